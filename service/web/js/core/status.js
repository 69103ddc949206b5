/** Status messages: loading indicators, error notices, toasts and screen-reader announcements. */

import { ApiError } from "./api-error.js";
import { callApi, sleep } from "./api.js";
import { element, inlineCode } from "./dom.js";

const SECONDS_BEFORE_ANNOUNCEMENT = 1;
const MAX_POLL_SECONDS = 30;
const UNEXPECTED =
  "Reload the page. If the problem persists, the browser console contains the details.";
const BUSY = "The service is busy. Retrying …";

/** @typedef {import("./api-error.js").Kind} Kind */

/** @type {Kind[]} */
const RETRYABLE = ["busy", "interrupted", "not ready", "unauthorized", "unreachable"];

/** Errors whose end the page can detect by polling. @type {Kind[]} */
const OUTAGES = ["not ready", "unreachable"];

/** @type {Record<Kind, string>} */
const TITLES = {
  busy: "The service is busy",
  changed: "The image was changed meanwhile",
  conflict: "The image is stored already",
  failed: "The request failed",
  forbidden: "This change is not permitted",
  interrupted: "The request was interrupted",
  "not an image": "This file is not a supported image",
  "not found": "Not found",
  "not ready": "The service is not ready",
  "too large": "This image is too large",
  unauthorized: "An API key is required",
  unreachable: "The service cannot be reached",
};

/** Create a loading indicator; it is announced if it lasts. @param {string} text */
export function loading(text = "Loading …") {
  const indicator = element("p", { class: "loading" }, text);
  setTimeout(() => {
    if (indicator.isConnected) announce(indicator.textContent ?? "");
  }, SECONDS_BEFORE_ANNOUNCEMENT * 1000);
  return indicator;
}

/** Change all loading indicators to say that the service is busy. */
export function showBusy() {
  for (const each of document.querySelectorAll(".loading")) each.textContent = BUSY;
  announce(BUSY);
}

/**
 * Create a notice, shown instead of content.
 *
 * @param {string} title
 * @param {string} advice
 * @param {...import("./dom.js").Child} actions
 */
export function notice(title, advice, ...actions) {
  return element(
    "section",
    { class: "notice" },
    element("h1", {}, title),
    element("p", {}, ...inlineCode(advice)),
    element("p", { class: "buttons" }, ...actions),
  );
}

/**
 * Create a notice for an error. During an outage, the page polls the service and retries.
 *
 * @param {unknown} error
 * @param {() => void} retry
 * @param {AbortSignal} signal ends the polling
 * @param {object} [options]
 * @param {boolean} [options.retriesAutomatically] default true
 */
export function errorNotice(error, retry, signal, { retriesAutomatically = true } = {}) {
  const created =
    error instanceof ApiError ? apiErrorNotice(error, retry) : unexpectedErrorNotice(error);
  created.setAttribute("role", "alert");
  if (retriesAutomatically && error instanceof ApiError && OUTAGES.includes(error.kind)) {
    retryWhenReady(created, retry, signal).catch((reason) => {
      if (!signal.aborted) throw reason;
    });
  }
  return created;
}

/** @param {ApiError} error @param {() => void} retry */
function apiErrorNotice({ kind, message }, retry) {
  return notice(
    TITLES[kind],
    message,
    RETRYABLE.includes(kind) && retryButton(retry),
    kind === "not found" && element("a", { href: "#/map" }, "Go to the map"),
  );
}

/** @param {() => void} retry */
export function retryButton(retry) {
  return element("button", { type: "button", click: retry }, "Try again");
}

/** @param {unknown} error */
function unexpectedErrorNotice(error) {
  reportError(error);
  return notice("An unexpected error occurred", UNEXPECTED);
}

/** Announce a text to screen readers. @param {string} text */
export function announce(text) {
  const region = /** @type {HTMLElement} */ (document.getElementById("announcement"));
  region.textContent = "";
  // Otherwise a repeated text would not be announced again.
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}

/**
 * Create a section of a view that is filled later; an error is shown inside it.
 *
 * @param {string} className
 * @param {string} title
 * @param {() => Promise<HTMLElement | null>} load returns null if there is nothing to show
 * @param {AbortSignal} signal aborted when the view is left
 */
export function deferredSection(className, title, load, signal) {
  const content = element("div");
  const section = element(
    "section",
    { class: className, tabindex: -1 },
    element("h2", {}, title),
    content,
  );
  async function fill() {
    preserveFocus(content, section);
    content.replaceChildren(loading());
    try {
      const loaded = await load();
      if (loaded) content.replaceChildren(loaded);
      else section.remove();
    } catch (error) {
      if (signal.aborted) return;
      content.replaceChildren(...errorMessage(error, fill));
    }
  }
  fill();
  return section;
}

/**
 * Move the focus out of an element that is about to be removed; otherwise the keyboard would
 * continue at the top of the page.
 *
 * @param {HTMLElement} removed
 * @param {HTMLElement} [target]
 */
export function preserveFocus(removed, target = removed) {
  if (removed.contains(document.activeElement)) target.focus({ preventScroll: true });
}

/** @param {unknown} error @param {() => void} retry */
function errorMessage(error, retry) {
  const isExpected = error instanceof ApiError;
  if (!isExpected) reportError(error);
  return [
    element("p", { role: "alert" }, ...inlineCode(isExpected ? error.message : UNEXPECTED)),
    retryButton(retry),
  ];
}

/**
 * Show a message that disappears after some seconds; with an action, after half a minute.
 *
 * @param {string} text
 * @param {{ name: string, click: () => void }} [action]
 */
export function toast(text, action) {
  const button = action && element("button", { type: "button", click: action.click }, action.name);
  document
    .getElementById("toast")
    ?.replaceChildren(element("p", { class: button && "lasting" }, text, button));
}

/**
 * Retry when the service becomes ready. If it is ready already, do not retry: the same request may
 * fail each time.
 *
 * @param {HTMLElement} shown the notice
 * @param {() => void} retry
 * @param {AbortSignal} signal
 */
async function retryWhenReady(shown, retry, signal) {
  if (await isReady(signal)) return;
  shown
    .querySelector(".buttons")
    ?.before(element("p", {}, "This page retries automatically when the service is available."));
  for (let seconds = 1; ; seconds = Math.min(2 * seconds, MAX_POLL_SECONDS)) {
    await sleep(seconds, signal);
    const ready = await isReady(signal);
    // The service may be back with another release, for which the whole page is initialized.
    if (signal.aborted) return;
    if (ready) return retry();
  }
}

/** @param {AbortSignal} signal */
async function isReady(signal) {
  try {
    await callApi("/readyz", { signal });
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}
