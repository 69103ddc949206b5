/** The service's key, where it has one: asked for once and kept as long as the tab is open. */

const NAME = "belvedere-key";

let key = stored();

/** @type {Promise<boolean> | null} */
let asking = null;

/** The key that was given, if any. */
export function knownKey() {
  return key;
}

/**
 * Ask for the key. Whoever asks meanwhile waits for the same answer.
 *
 * @param {string | null} refused the key that the service did not accept; null where none was sent
 * @returns {Promise<boolean>} whether there is another one
 */
export function anotherKey(refused) {
  if (key && key !== refused) return Promise.resolve(true);
  keep(null);
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
  dialog.returnValue = "";
  form.onsubmit = (event) => {
    event.preventDefault();
    keep(input.value.trim());
    dialog.close("given");
  };
  refuse.onclick = close;
  // Another view may need no key.
  addEventListener("hashchange", close);
  dialog.showModal();
  // Now, since an alert that stood there before is not read out.
  refusal.hidden = !wasRefused;
  return new Promise((resolve) => {
    dialog.onclose = () => {
      removeEventListener("hashchange", close);
      resolve(dialog.returnValue === "given");
    };
  });
}

/** @param {string | null} given */
function keep(given) {
  key = given;
  try {
    if (given === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, given);
  } catch {
    // Where a browser stores nothing, it is kept until the page is left.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}
