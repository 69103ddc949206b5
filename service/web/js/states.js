/** What stands in a view's place while there is nothing to show, and why: each says what to do. */

import { element } from "./element.js";
import { ask, pause, Problem } from "./service.js";

const SECONDS_BETWEEN_LOOKS = 1;

// Asking the same once more may help.
const PASSING = ["busy", "gone", "locked", "not ready"];

/** @type {Record<import("./service.js").Kind, string>} */
const TITLES = {
  busy: "The service is busy",
  gone: "The service does not answer",
  locked: "This needs the key of the service",
  "not an image": "There is no photograph in this file",
  "not ready": "The service is not ready",
  refused: "The service cannot answer this",
  "too large": "This photograph is too large",
  unknown: "There is nothing under this name",
};

/** @param {string} text */
export function loading(text = "Loading …") {
  return element("p", { class: "loading" }, text);
}

/**
 * A notice that there is nothing to show.
 *
 * @param {string} title
 * @param {string} advice
 * @param {...import("./element.js").Child} more
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
 * What went wrong and what to do. Where it may mend itself, the page looks whether it has.
 *
 * @param {unknown} error
 * @param {() => void} again
 * @param {AbortSignal} signal ends the looking
 */
export function problemNotice(error, again, signal) {
  if (!(error instanceof Problem)) throw error;
  const mayMend = error.kind === "gone" || error.kind === "not ready";
  if (mayMend) goOnWhenReady(again, signal);
  return notice(
    TITLES[error.kind],
    error.message + (mayMend ? " This page goes on by itself as soon as it can." : ""),
    PASSING.includes(error.kind) &&
      element("button", { type: "button", click: again }, "Try again"),
    error.kind === "unknown" && element("a", { href: "#/map" }, "Go to the map"),
  );
}

/** Say something to those who cannot see it. @param {string} text */
export function announce(text) {
  const said = /** @type {HTMLElement} */ (document.getElementById("said"));
  said.classList.remove("shown");
  said.textContent = text;
}

/** Say something to everybody; it vanishes after a moment. @param {string} text */
export function remark(text) {
  announce(text);
  document.getElementById("said")?.classList.add("shown");
}

/** @param {() => void} again @param {AbortSignal} signal */
async function goOnWhenReady(again, signal) {
  try {
    for (;;) {
      await pause(SECONDS_BETWEEN_LOOKS, signal);
      if (await isReady(signal)) return again();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
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

/** What stands between backticks is code. @param {string} text */
function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}
