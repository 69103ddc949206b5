/** Sessions of this tab, by goal and filters; a reload of the page keeps them. */

import { currentRelease } from "../core/api.js";
import { apiUrl } from "../core/urls.js";
import { outboxEvents } from "./outbox.js";
import { createSession } from "./session.js";

// Services may share an origin, each under a path of its own.
const STORAGE_NAME = `belvedere-review ${new URL(apiUrl("/"), location.href).pathname}`;

const MAX_STORED_SESSIONS = 10;

/**
 * @typedef {object} StoredSessions
 * @property {string | null} release
 * @property {Record<string, import("./session.js").StoredSession<any>>} sessions
 */

/** @type {Map<string, import("./session.js").Session<any>>} */
const sessions = new Map();

let stored = load();

// Another release has other reasons.
addEventListener("release", forget);
outboxEvents.addEventListener("discarded", forget);
// The second event is the last one of a page that the browser ends in the background.
addEventListener("pagehide", store);
addEventListener("visibilitychange", () => document.hidden && store());

/**
 * Open a session again, which may have begun before the page was loaded; call it after
 * `outboxReady`.
 *
 * @template Item
 * @param {string} key
 * @param {import("./session.js").Source<Item>} source
 * @returns {import("./session.js").Session<Item>}
 */
export function sessionOf(key, source) {
  const open = sessions.get(key);
  // Decisions in other lists, and by other people, may concern its next items.
  open?.close();
  const session = createSession(source, open?.stored() ?? knownSessions()[key]);
  sessions.delete(key);
  sessions.set(key, session);
  return session;
}

/** Return the sessions before the page was loaded. @returns {StoredSessions["sessions"]} */
function knownSessions() {
  return stored.release === currentRelease() ? stored.sessions : {};
}

function forget() {
  sessions.clear();
  stored = { release: null, sessions: {} };
}

function store() {
  const release = currentRelease();
  if (release === null) return;
  const present = [...sessions].map(([key, session]) => [key, session.stored()]);
  const latest = Object.entries({ ...knownSessions(), ...Object.fromEntries(present) });
  const kept = Object.fromEntries(latest.slice(-MAX_STORED_SESSIONS));
  try {
    sessionStorage.setItem(STORAGE_NAME, JSON.stringify({ release, sessions: kept }));
  } catch {
    // Without storage, a reload begins a new session.
  }
}

/** @returns {StoredSessions} */
function load() {
  const none = { release: null, sessions: {} };
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_NAME) ?? "null") ?? none;
  } catch {
    return none;
  }
}
