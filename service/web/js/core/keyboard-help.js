/** Dialog with all keys, and the setting of shortcuts of a single character. */

import { setShortcuts, shortcutOf, shortcutsEnabled } from "./shortcuts.js";

/** Open the dialog with its button or with a question mark. */
export function listenForHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("keyboard"));
  const setting = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  const open = () => {
    setting.checked = shortcutsEnabled();
    dialog.showModal();
  };
  setting.addEventListener("change", () => setShortcuts(setting.checked));
  document.getElementById("show-keyboard")?.addEventListener("click", open);
  addEventListener("keydown", (event) => {
    if (shortcutOf(event) !== "?") return;
    event.preventDefault();
    open();
  });
}
