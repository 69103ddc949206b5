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
 * @param {string | null} refused the key that the service did not accept; null where none was sent
 * @returns {Promise<boolean>} whether there is another one
 */
export function anotherKey(refused) {
  const known = knownKey();
  if (known && known !== refused) return Promise.resolve(true);
  sessionStorage.removeItem(NAME);
  asking ??= prompted(refused !== null).finally(() => {
    asking = null;
  });
  return asking;
}

/** @param {boolean} wasRefused @returns {Promise<boolean>} */
function prompted(wasRefused) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("key"));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const input = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  const refuse = /** @type {HTMLButtonElement} */ (dialog.querySelector("button[type=button]"));
  const refusal = /** @type {HTMLElement} */ (dialog.querySelector("[role=alert]"));
  const close = () => dialog.close();
  input.value = "";
  refusal.hidden = !wasRefused;
  dialog.returnValue = "";
  form.onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(NAME, input.value.trim());
    dialog.close("given");
  };
  refuse.onclick = close;
  // Another view may need no key.
  addEventListener("hashchange", close);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      removeEventListener("hashchange", close);
      resolve(dialog.returnValue === "given");
    };
  });
}
