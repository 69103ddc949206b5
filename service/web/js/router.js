/**
 * Router from URL hashes to views: `#/map`, `#/image/…`, `#/review`, `#/duplicates`, `#/search`,
 * `#/errors`, `#/experiments`, `#/history`, `#/selections`, `#/add`, `#/yours`.
 */

import { ApiError, unreachableError } from "./core/api-error.js";
import { announce, errorNotice, loading, preserveFocus } from "./core/status.js";
import { mapView } from "./map/map-view.js";

/**
 * @typedef {object} ViewContext
 * @property {string} name decoded part of the hash after the view, such as an id
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal aborted when the view is left
 * @property {() => void} reload
 *
 * @typedef {(host: HTMLElement, context: ViewContext) => Promise<string | void>} View fills the
 *   host element; a returned text is announced to screen readers after the title
 */

/**
 * Views, each with a function that loads its module. The map, the first view, needs no more modules
 * than the parts that all views share.
 *
 * @type {[RegExp, () => Promise<View>][]}
 */
const VIEWS = [
  [/^(?:#\/?)?$|^#\/map$/, async () => mapView],
  [/^#\/image\/(.+)$/, async () => (await import("./images/image-view.js")).imageView],
  [/^#\/review$/, async () => (await import("./review/review-view.js")).reviewView],
  [/^#\/duplicates$/, async () => (await import("./review/review-view.js")).duplicatesView],
  [
    /^#\/errors$/,
    async () => (await import("./images/misclassifications-view.js")).misclassificationsView,
  ],
  [
    /^#\/experiments$/,
    async () => (await import("./experiments/experiments-view.js")).experimentsView,
  ],
  [
    /^#\/experiments\/(.+)$/,
    async () => (await import("./experiments/experiment-view.js")).experimentView,
  ],
  [/^#\/history$/, async () => (await import("./images/history-view.js")).historyView],
  [/^#\/add$/, async () => (await import("./adding/add-view.js")).addView],
  [/^#\/search$/, async () => (await import("./search/search-view.js")).searchView],
  [/^#\/selections$/, async () => (await import("./selection/selections-view.js")).selectionsView],
  [/^#\/yours$/, async () => (await import("./images/upload-view.js")).uploadView],
];

let lifetime = new AbortController();

/** Scroll position of each hash when it was left. @type {Map<string, number>} */
const scrollPositions = new Map();

/** Show the view of the current hash, and follow its changes. */
export function startRouting() {
  // The browser would restore the scroll position before a view is filled.
  history.scrollRestoration = "manual";
  onhashchange = ({ oldURL }) => {
    scrollPositions.set(new URL(oldURL).hash, scrollY);
    // Entries made by links have no state; entries reached with the back button have one.
    const top = history.state ? (scrollPositions.get(location.hash) ?? 0) : 0;
    focusMain();
    showView(top);
  };
  return showView();
}

/** Go to a hash; reload the view if it is the current one. @param {string} hash */
export function navigate(hash) {
  if (location.hash === hash) showView();
  else location.hash = hash;
}

/** Abort the current view. */
export function leaveView() {
  lifetime.abort();
}

/** Show the view of the current hash. @param {number} [top] scroll position in pixels */
async function showView(top = 0) {
  leaveView();
  history.replaceState({ wasShown: true }, "");
  lifetime = new AbortController();
  const { signal } = lifetime;
  const reload = () => showView();
  const [path, query] = location.hash.split("?");
  const host = /** @type {HTMLElement} */ (document.getElementById("main"));
  preserveFocus(host);
  markCurrentLink(path);
  host.replaceChildren(loading());
  let details;
  try {
    const [load, name] = matchView(path);
    const view = await loaded(load);
    if (signal.aborted) return;
    details = await view(host, { name, query: new URLSearchParams(query), signal, reload });
  } catch (error) {
    if (signal.aborted) return;
    host.replaceChildren(errorNotice(error, reload, signal));
  }
  if (signal.aborted) return;
  announceView(details);
  // In the next frame, sections whose data is cached are filled, too.
  if (top > 0) {
    requestAnimationFrame(() => {
      if (!signal.aborted) scrollTo(0, top);
    });
  }
}

/**
 * Set the document title and announce the view to screen readers.
 *
 * @param {string | void} [details]
 */
export function announceView(details) {
  const host = /** @type {HTMLElement} */ (document.getElementById("main"));
  const title = host.querySelector("h1")?.textContent ?? "";
  document.title = `${title} · Belvedere`;
  // Screen readers announce alerts without help.
  if (!host.querySelector("[role=alert]")) announce([title, details].filter(Boolean).join(". "));
}

/** Load the modules of all views, so that they are shown at once, also during an outage. */
export function loadViews() {
  for (const [, load] of VIEWS) load().catch(() => {});
}

/** Return a view; fail if its module cannot be fetched. @param {() => Promise<View>} load */
async function loaded(load) {
  try {
    return await load();
  } catch (error) {
    throw error instanceof TypeError ? unreachableError() : error;
  }
}

/** @param {string} path @returns {[() => Promise<View>, string]} */
function matchView(path) {
  for (const [pattern, load] of VIEWS) {
    const match = pattern.exec(path);
    if (match) return [load, decode(match[1] ?? "")];
  }
  throw new ApiError("not found", "No view has this URL. Check it, or find the image on the map.");
}

/** @param {string} name percent-encoded */
function decode(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new ApiError("not found", "The URL is not valid. Check that you copied all of it.");
  }
}

/** @param {string} path */
function markCurrentLink(path) {
  for (const link of document.querySelectorAll("header nav a")) {
    const target = link.getAttribute("href") ?? "";
    const isCurrent =
      [target, /** @type {HTMLElement} */ (link).dataset.also].some(
        (each) => each && path.startsWith(each),
      ) ||
      (target === "#/map" && path.length < 3);
    if (isCurrent) {
      link.setAttribute("aria-current", "page");
      // On a phone, the links scroll.
      link.scrollIntoView({ block: "nearest", inline: "center" });
    } else link.removeAttribute("aria-current");
  }
}

/** Move scroll position and focus to the start of the new view. */
function focusMain() {
  scrollTo(0, 0);
  document.getElementById("main")?.focus({ preventScroll: true });
}
