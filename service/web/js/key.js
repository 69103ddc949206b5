/** The service's key, where it has one: asked for once and kept as long as the tab is open. */

const NAME = "belvedere-key";

/** @type {Promise<boolean> | null} */
let asking = null;

/** The key that was given, if any. */
export function knownKey() {
  return sessionStorage.getItem(NAME);
}

/**
 * Ask for the key. Whoever asks meanwhile waits for the same answer.
 *
 * @returns {Promise<boolean>} whether one was given
 */
export function askForKey() {
  asking ??= prompted().finally(() => {
    asking = null;
  });
  return asking;
}

/** @returns {Promise<boolean>} */
function prompted() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("key"));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const input = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  const refuse = /** @type {HTMLButtonElement} */ (dialog.querySelector("button[type=button]"));
  input.value = "";
  dialog.returnValue = "";
  form.onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(NAME, input.value);
    dialog.close("given");
  };
  refuse.onclick = () => dialog.close();
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "given");
  });
}
