/** From addresses to views: `#/map`, `#/image/…`, `#/errors`, `#/experiments`, `#/yours`. */

import { errorsView } from "./errors-view.js";
import { experimentView } from "./experiment-view.js";
import { experimentsView } from "./experiments-view.js";
import { imageView } from "./image-view.js";
import { mapView } from "./map-view.js";
import { Problem } from "./service.js";
import { loading, problemNotice } from "./states.js";
import { yourView } from "./your-view.js";

/**
 * @typedef {object} Asked
 * @property {string} name what stands in the address behind the view
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal ends with the view
 * @property {() => void} again begins the view anew
 *
 * @typedef {(place: HTMLElement, asked: Asked) => Promise<void>} View
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

/** Show what the address says, now and whenever it changes. */
export function followAddress() {
  onhashchange = () => {
    beginAtTheTop();
    show();
  };
  return show();
}

/** Lead to an address; to the present one, too. @param {string} address */
export function go(address) {
  if (location.hash === address) show();
  else location.hash = address;
}

/** Show what the address says. */
export async function show() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const [path, query] = location.hash.split("?");
  const place = /** @type {HTMLElement} */ (document.getElementById("main"));
  markCurrent(path);
  place.replaceChildren(loading());
  try {
    const [view, name] = found(path);
    await view(place, { name, query: new URLSearchParams(query), signal, again: show });
  } catch (error) {
    if (signal.aborted) return;
    place.replaceChildren(problemNotice(error, show, signal));
  }
  document.title = `${place.querySelector("h1")?.textContent ?? "Loading"} · Belvedere`;
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
