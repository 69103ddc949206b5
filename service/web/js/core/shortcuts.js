/**
 * Setting of shortcuts of a single character. Speech input and some aids for typing produce such
 * characters by accident, so that users can switch the shortcuts off.
 */

const STORAGE_NAME = "belvedere-shortcuts";

let enabled = load() !== "off";

/** Return whether keys of a single character are shortcuts. */
export function shortcutsEnabled() {
  return enabled;
}

/** @param {boolean} value */
export function setShortcuts(value) {
  enabled = value;
  try {
    localStorage.setItem(STORAGE_NAME, value ? "on" : "off");
  } catch {
    // Without storage, the setting holds until the page is closed.
  }
}

/**
 * Return the key of an event if it may be a shortcut: no modifier is held, nothing is typed into a
 * field, no dialog is open, and the shortcuts of a single character are switched on.
 *
 * @param {KeyboardEvent} event
 * @returns {string} the empty string otherwise
 */
export function shortcutOf(event) {
  const { key, target, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey || event.defaultPrevented) return "";
  if (
    target instanceof Element &&
    target.closest("dialog, select, textarea, input:not([type=checkbox], [type=radio])")
  )
    return "";
  if (document.querySelector("dialog[open]")) return "";
  return key.length > 1 || enabled ? key : "";
}

function load() {
  try {
    return localStorage.getItem(STORAGE_NAME);
  } catch {
    return null;
  }
}
