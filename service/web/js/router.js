/** From addresses to views: `#/map`, `#/image/…`, `#/errors`, `#/experiments`, `#/yours`. */

import { Problem } from "./core/api-error.js";
import { announce, keepFocus, loading, problemNotice } from "./core/status.js";
import { experimentView } from "./experiments/experiment-view.js";
import { experimentsView } from "./experiments/experiments-view.js";
import { imageView } from "./images/image-view.js";
import { errorsView } from "./images/misclassifications-view.js";
import { yourView } from "./images/upload-view.js";
import { mapView } from "./map/map-view.js";

/**
 * @typedef {object} Asked
 * @property {string} name what stands in the address behind the view
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal ends with the view
 * @property {() => void} again begins the view anew
 *
 * @typedef {(place: HTMLElement, asked: Asked) => Promise<string | void>} View fills the place;
 *   what it returns is said to those who cannot see it, behind the title
 */

/** @type {[RegExp, View][]} */
const VIEWS = [
  [/^(?:#\/?)?$|^#\/map$/, mapView],
  [/^#\/image\/(.+)$/, imageView],
  [/^#\/errors$/, errorsView],
  [/^#\/experiments$/, experimentsView],
  [/^#\/experiments\/(.+)$/, experimentView],
  [/^#\/yours$/, yourView],
];

let running = new AbortController();

/** How far each address was scrolled down when it was left. @type {Map<string, number>} */
const scrolled = new Map();

/** Show what the address says, now and whenever it changes. */
export function followAddress() {
  // The browser would scroll before a view is filled.
  history.scrollRestoration = "manual";
  onhashchange = ({ oldURL }) => {
    scrolled.set(new URL(oldURL).hash, scrollY);
    // Links make entries without a state; who goes back comes to one that was shown.
    const top = history.state ? (scrolled.get(location.hash) ?? 0) : 0;
    beginAtTheTop();
    show(top);
  };
  return show();
}

/** Lead to an address; to the present one, too. @param {string} address */
export function go(address) {
  if (location.hash === address) show();
  else location.hash = address;
}

/** End the view that is shown. */
export function leave() {
  running.abort();
}

/** Show what the address says. @param {number} [top] how far it is scrolled down */
async function show(top = 0) {
  leave();
  history.replaceState({ wasShown: true }, "");
  running = new AbortController();
  const { signal } = running;
  const again = () => show();
  const [path, query] = location.hash.split("?");
  const place = /** @type {HTMLElement} */ (document.getElementById("main"));
  keepFocus(place);
  markCurrent(path);
  place.replaceChildren(loading());
  let more;
  try {
    const [view, name] = found(path);
    more = await view(place, { name, query: new URLSearchParams(query), signal, again });
  } catch (error) {
    if (signal.aborted) return;
    place.replaceChildren(problemNotice(error, again, signal));
  }
  if (signal.aborted) return;
  tell(more);
  // With the next frame, when parts that are known already have filled, too.
  if (top > 0) {
    requestAnimationFrame(() => {
      if (!signal.aborted) scrollTo(0, top);
    });
  }
}

/** Say what is shown now. @param {string | void} [more] */
export function tell(more) {
  const place = /** @type {HTMLElement} */ (document.getElementById("main"));
  const title = place.querySelector("h1")?.textContent ?? "";
  document.title = `${title} · Belvedere`;
  // Alerts are said by themselves.
  if (!place.querySelector("[role=alert]")) announce([title, more].filter(Boolean).join(". "));
}

/** @param {string} path @returns {[View, string]} */
function found(path) {
  for (const [pattern, view] of VIEWS) {
    const match = pattern.exec(path);
    if (match) return [view, decoded(match[1] ?? "")];
  }
  throw new Problem("unknown", "The address may be incomplete; the map leads to every photograph.");
}

/** @param {string} name percent-encoded */
function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new Problem("unknown", "The address may be incomplete; copy the whole of it.");
  }
}

/** @param {string} path */
function markCurrent(path) {
  for (const link of document.querySelectorAll("header nav a")) {
    const address = link.getAttribute("href") ?? "";
    const isCurrent = path.startsWith(address) || (address === "#/map" && path.length < 3);
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Readers of the screen and users of the keyboard begin with the new view, too. */
function beginAtTheTop() {
  scrollTo(0, 0);
  document.getElementById("main")?.focus({ preventScroll: true });
}
