/**
 * API key of the service, if it requires one: prompted for once, and kept in the session storage.
 */

const STORAGE_NAME = "belvedere-key";

let key = loadKey();

/** @type {Promise<boolean> | null} */
let pendingPrompt = null;

/** Return the API key, or null. */
export function currentApiKey() {
  return key;
}

/**
 * Prompt for the API key. Concurrent callers share one prompt.
 *
 * @param {string | null} rejected key that the service did not accept; null if none was sent
 * @returns {Promise<boolean>} whether there is another key
 */
export function requestApiKey(rejected) {
  if (key && key !== rejected) return Promise.resolve(true);
  storeKey(null);
  pendingPrompt ??= prompt(rejected !== null).finally(() => {
    pendingPrompt = null;
  });
  return pendingPrompt;
}

/** @param {boolean} wasRejected @returns {Promise<boolean>} */
function prompt(wasRejected) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("api-key"));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const input = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  const cancel = /** @type {HTMLButtonElement} */ (dialog.querySelector("button[type=button]"));
  const alert = /** @type {HTMLElement} */ (dialog.querySelector("[role=alert]"));
  const close = () => dialog.close();
  input.value = "";
  dialog.returnValue = "";
  form.onsubmit = (event) => {
    event.preventDefault();
    storeKey(input.value.trim());
    dialog.close("submitted");
  };
  cancel.onclick = close;
  // Another view may need no key.
  addEventListener("hashchange", close);
  dialog.showModal();
  // After opening, because screen readers do not announce an alert that is visible before.
  alert.hidden = !wasRejected;
  return new Promise((resolve) => {
    dialog.onclose = () => {
      removeEventListener("hashchange", close);
      resolve(dialog.returnValue === "submitted");
    };
  });
}

/** @param {string | null} value */
function storeKey(value) {
  key = value;
  try {
    if (value === null) sessionStorage.removeItem(STORAGE_NAME);
    else sessionStorage.setItem(STORAGE_NAME, value);
  } catch {
    // Without storage, the key is kept until the page is closed.
  }
}

function loadKey() {
  try {
    return sessionStorage.getItem(STORAGE_NAME);
  } catch {
    return null;
  }
}
