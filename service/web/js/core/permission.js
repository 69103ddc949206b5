/** Permission of the page to change the collection, as the service reports it. */

import { element, inlineCode } from "./dom.js";

/** Reason for disabled actions, with the remedy. */
export const READ_ONLY =
  "This service does not accept changes. Start it with `BELVEDERE_WRITABLE=1` to switch them on.";

let writable = false;

/** Dispatch a `permission` event if it changes. @param {boolean} value whether the service accepts changes */
export function setWritable(value) {
  if (value === writable) return;
  writable = value;
  dispatchEvent(new Event("permission"));
}

/** Return whether the service accepts changes; a change may still require an API key. */
export function isWritable() {
  return writable;
}

/** Create a note that says why actions are disabled; null if they are enabled. */
export function readOnlyNote() {
  return writable ? null : element("p", { class: "read-only" }, ...inlineCode(READ_ONLY));
}
