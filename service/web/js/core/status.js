/** What stands in a view's place while there is nothing to show, and why: each says what to do. */

import { Problem } from "./api-error.js";
import { ask, pause } from "./api.js";
import { element, marked } from "./dom.js";

const SECONDS_UNTIL_SAID = 1;
const MOST_SECONDS_BETWEEN_LOOKS = 30;
const FAULT = "Reload the page; if that does not help, the console of the browser says more.";
const BUSY = "The service is busy; asking again …";

/** @typedef {import("./api-error.js").Kind} Kind */

/** @type {Kind[]} asking the same once more may help */
const PASSING = ["busy", "gone", "interrupted", "locked", "not ready"];

/** @type {Kind[]} the page can see by itself when it is over */
const OUTAGES = ["gone", "not ready"];

/** @type {Record<Kind, string>} */
const TITLES = {
  busy: "The service is busy",
  gone: "The service does not answer",
  interrupted: "The service could not finish this",
  locked: "This needs the key of the service",
  "not an image": "There is no photograph in this file",
  "not ready": "The service is not ready",
  refused: "The service cannot answer this",
  "too large": "This photograph is too large",
  unknown: "There is nothing under this name",
};

/** What stands there until the answer comes; what lasts is said, too. @param {string} text */
export function loading(text = "Loading …") {
  const said = element("p", { class: "loading" }, text);
  setTimeout(() => {
    if (said.isConnected) announce(said.textContent ?? "");
  }, SECONDS_UNTIL_SAID * 1000);
  return said;
}

/** Tell who waits that the service is busy. */
export function sayBusy() {
  for (const each of document.querySelectorAll(".loading")) each.textContent = BUSY;
  announce(BUSY);
}

/**
 * A notice that there is nothing to show.
 *
 * @param {string} title
 * @param {string} advice
 * @param {...import("./dom.js").Child} more
 */
export function notice(title, advice, ...more) {
  return element(
    "section",
    { class: "notice" },
    element("h1", {}, title),
    element("p", {}, ...marked(advice)),
    element("p", { class: "buttons" }, ...more),
  );
}

/**
 * What went wrong and what to do. While the service is out, the page looks whether it is back.
 *
 * @param {unknown} error
 * @param {() => void} again
 * @param {AbortSignal} signal ends the looking
 * @param {object} [given]
 * @param {boolean} [given.goesOn] whether the page may ask the same again by itself; true
 */
export function problemNotice(error, again, signal, { goesOn = true } = {}) {
  const failed = error instanceof Problem ? ofProblem(error, again) : ofFault(error);
  failed.setAttribute("role", "alert");
  if (goesOn && error instanceof Problem && OUTAGES.includes(error.kind)) {
    goOnWhenBack(failed, again, signal).catch((reason) => {
      if (!signal.aborted) throw reason;
    });
  }
  return failed;
}

/** @param {Problem} problem @param {() => void} again */
function ofProblem({ kind, message }, again) {
  return notice(
    TITLES[kind],
    message,
    PASSING.includes(kind) && againButton(again),
    kind === "unknown" && element("a", { href: "#/map" }, "Go to the map"),
  );
}

/** @param {() => void} again */
export function againButton(again) {
  return element("button", { type: "button", click: again }, "Try again");
}

/** @param {unknown} error that nobody foresaw */
function ofFault(error) {
  reportError(error);
  return notice("This page has a fault", FAULT);
}

/** Say something to those who cannot see it. @param {string} text */
export function announce(text) {
  const said = /** @type {HTMLElement} */ (document.getElementById("said"));
  said.textContent = "";
  // Else the same text would not be said a second time.
  requestAnimationFrame(() => {
    said.textContent = text;
  });
}

/**
 * A part of a view that comes later than the rest; what goes wrong with it is said in its place.
 *
 * @param {string} name the class that it has in style sheets
 * @param {string} title
 * @param {() => Promise<HTMLElement | null>} make null where there is nothing to show
 * @param {AbortSignal} signal ends with the view
 */
export function later(name, title, make, signal) {
  const content = element("div");
  const part = element("section", { class: name, tabindex: -1 }, element("h2", {}, title), content);
  async function fill() {
    keepFocus(content, part);
    content.replaceChildren(loading());
    try {
      const made = await make();
      if (made) content.replaceChildren(made);
      else part.remove();
    } catch (error) {
      if (signal.aborted) return;
      content.replaceChildren(...apology(error, fill));
    }
  }
  fill();
  return part;
}

/**
 * Where what is focused goes, the keyboard would begin at the top of the page: it goes on from what
 * stays.
 *
 * @param {HTMLElement} going
 * @param {HTMLElement} [staying]
 */
export function keepFocus(going, staying = going) {
  if (going.contains(document.activeElement)) staying.focus({ preventScroll: true });
}

/** @param {unknown} error @param {() => void} again */
function apology(error, again) {
  const isForeseen = error instanceof Problem;
  if (!isForeseen) reportError(error);
  return [
    element("p", { role: "alert" }, ...marked(isForeseen ? error.message : FAULT)),
    againButton(again),
  ];
}

/** Say something to everybody; it vanishes after a moment. @param {string} text */
export function remark(text) {
  document.getElementById("remark")?.replaceChildren(element("p", {}, text));
}

/**
 * Where the service answers meanwhile, what failed is not asked again, since it may fail each time.
 *
 * @param {HTMLElement} failed the notice
 * @param {() => void} again
 * @param {AbortSignal} signal
 */
async function goOnWhenBack(failed, again, signal) {
  if (await isReady(signal)) return;
  failed
    .querySelector(".buttons")
    ?.before(element("p", {}, "This page goes on by itself as soon as the service is back."));
  for (let seconds = 1; ; seconds = Math.min(2 * seconds, MOST_SECONDS_BETWEEN_LOOKS)) {
    await pause(seconds, signal);
    const isBack = await isReady(signal);
    // It may be back with another release, with which the page begins anew.
    if (signal.aborted) return;
    if (isBack) return again();
  }
}

/** @param {AbortSignal} signal */
async function isReady(signal) {
  try {
    await ask("/readyz", { signal });
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}
