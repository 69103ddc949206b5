/** Undo of the latest actions: by a button in the toast, or with Ctrl+Z. */

import { toast } from "./status.js";

/** Newest last. @type {(() => void)[]} */
const actions = [];

addEventListener("keydown", (event) => {
  const { key, ctrlKey, metaKey, shiftKey, altKey, target } = event;
  const isUndo = key.toLowerCase() === "z" && (ctrlKey || metaKey) && !shiftKey && !altKey;
  const isField =
    target instanceof Element &&
    target.closest("dialog, textarea, input:not([type=checkbox], [type=radio])");
  if (!isUndo || isField || actions.length === 0) return;
  event.preventDefault();
  undoLast();
});

/**
 * Say what was done, and offer to take it back.
 *
 * @param {string} text
 * @param {() => void} undo
 */
export function offerUndo(text, undo) {
  actions.push(undo);
  toast(text, { name: "Undo", click: undoLast });
}

function undoLast() {
  actions.pop()?.();
}
