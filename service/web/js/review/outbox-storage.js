/**
 * Storage of the outbox in the browser. Each tab has an outbox of its own and holds its lock, so
 * that no decision is sent by two tabs. A reload keeps the outbox; a later tab takes over those of
 * tabs that were closed.
 */

import { apiUrl } from "../core/urls.js";

// Services may share an origin, each under a path of its own.
const PREFIX = `belvedere-outbox ${new URL(apiUrl("/"), location.href).pathname} `;

/** A duplicate of a tab waits in vain for the lock of the original. */
const MILLISECONDS_OF_WAITING = 2000;

/**
 * @typedef {object} StoredOutbox
 * @property {import("./outbox.js").Decision[]} waiting
 * @property {[string, string][]} successors
 */

/** Name of the outbox of this tab; null if nothing can be stored. @type {string | null} */
let own = null;

/**
 * Open the outbox of this tab, with the decisions of closed tabs.
 *
 * @returns {Promise<StoredOutbox>}
 */
export async function openStorage() {
  try {
    own = await ownName();
    const outbox = read(own);
    if (navigator.locks) await takeOver(outbox);
    return outbox;
  } catch {
    // Without storage, the decisions are kept until the page is closed.
    return empty();
  }
}

/** Store the outbox of this tab. @param {StoredOutbox} outbox @returns {boolean} whether it is stored */
export function storeOutbox(outbox) {
  if (own === null) return false;
  try {
    storage().setItem(own, JSON.stringify(outbox));
    return true;
  } catch {
    return false;
  }
}

/** Return the storage: without locks, browsers cannot tell which tabs are open. */
function storage() {
  return navigator.locks ? localStorage : sessionStorage;
}

async function ownName() {
  const former = sessionStorage.getItem(PREFIX);
  const waiting = { signal: AbortSignal.timeout(MILLISECONDS_OF_WAITING) };
  if (former && (!navigator.locks || (await hold(former, waiting)))) return former;
  const name = PREFIX + Date.now() + Math.random();
  if (navigator.locks) await hold(name, {});
  sessionStorage.setItem(PREFIX, name);
  return name;
}

/**
 * Hold a lock until the tab is closed.
 *
 * @param {string} name
 * @param {LockOptions} options
 * @returns {Promise<boolean>} whether it is held
 */
function hold(name, options) {
  return new Promise((resolve) => {
    navigator.locks
      .request(name, options, () => {
        resolve(true);
        return new Promise(() => {});
      })
      .catch(() => resolve(false));
  });
}

/** Add the decisions of closed tabs. @param {StoredOutbox} outbox */
async function takeOver(outbox) {
  const others = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX) && key !== own);
  for (const name of others) {
    await navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock === null) return;
      const { waiting, successors } = read(name);
      outbox.waiting.push(...waiting);
      outbox.successors.push(...successors);
      if (storeOutbox(outbox)) localStorage.removeItem(name);
    });
  }
}

/** @param {string} name @returns {StoredOutbox} */
function read(name) {
  const text = storage().getItem(name);
  return text === null ? empty() : JSON.parse(text);
}

/** @returns {StoredOutbox} */
function empty() {
  return { waiting: [], successors: [] };
}
