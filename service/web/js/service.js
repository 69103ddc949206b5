/** The service's public calls: answers as objects, failures as `Problem`. */

import { askForKey, knownKey } from "./key.js";

/**
 * @typedef {"busy" | "gone" | "locked" | "not an image" | "not ready" | "refused" | "too large"
 *   | "unknown"} Kind what went wrong
 */

/** @type {Record<number, Kind>} */
const KINDS = {
  401: "locked",
  404: "unknown",
  413: "too large",
  415: "not an image",
  429: "busy",
  503: "not ready",
};

const ATTEMPTS_WHILE_BUSY = 4;
const SECONDS_AFTER_LOSS = 0.3;

/** Why a call has no answer; the message is a sentence that says what to do. */
export class Problem extends Error {
  /**
   * @param {Kind} kind
   * @param {string} sentence
   * @param {number} [pause] seconds to wait before the next attempt
   */
  constructor(kind, sentence, pause = 1) {
    super(sentence);
    this.kind = kind;
    this.pause = pause;
  }
}

/**
 * @typedef {object} Options
 * @property {Blob} [image] sent along
 * @property {AbortSignal} [signal] ends the call
 * @property {boolean} [mayPrompt] whether to ask for the key where one is needed; true
 */

/** @type {Map<string, Promise<any>>} */
const remembered = new Map();

/** @type {string | null} */
let served = null;

/**
 * Ask the service; while it is busy, ask again a few times.
 *
 * @param {string} path with its query
 * @param {Options} [options]
 * @returns {Promise<any>} the answer
 * @throws {Problem}
 */
export async function ask(path, options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await answered(path, options);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.kind === "busy" && attempt < ATTEMPTS_WHILE_BUSY) {
        await pause(problem.pause, options.signal);
      } else if (problem.kind !== "locked" || options.mayPrompt === false || !(await askForKey())) {
        throw problem;
      }
    }
  }
}

/**
 * The same for what does not change while a release is served: it is asked for once.
 *
 * @param {string} path
 * @param {Options} [options] without a signal, since others may wait for the same answer
 * @returns {Promise<any>}
 */
export function recall(path, options = {}) {
  const known = remembered.get(path);
  if (known) return known;
  const answer = ask(path, options);
  remembered.set(path, answer);
  answer.catch(() => remembered.delete(path));
  return answer;
}

/** @param {string} path @param {Options} options */
async function answered(path, { image, signal }) {
  const key = knownKey();
  /** @type {RequestInit} */
  const request = { signal, headers: key ? { "X-API-Key": key } : {} };
  if (image) Object.assign(request, { method: "POST", body: image });
  let response;
  try {
    response = await fetched(path, request);
  } catch (error) {
    throw await explained(error, image);
  }
  const answer = await response.json().catch(() => ({}));
  noteRelease(answer.release);
  if (response.ok) return answer;
  throw new Problem(
    KINDS[response.status] ?? "refused",
    answer.detail ?? `The service answered ${response.status} without saying why; see its log.`,
    Number(response.headers.get("Retry-After")) || undefined,
  );
}

/**
 * Fetch, and once more where the connection was lost: every call only reads, and browsers drop
 * connections whenever the network changes.
 *
 * @param {string} path
 * @param {RequestInit} request
 */
async function fetched(path, request) {
  try {
    return await fetch(path, request);
  } catch (error) {
    if (request.signal?.aborted) throw error;
    await pause(SECONDS_AFTER_LOSS);
    return fetch(path, request);
  }
}

/** @param {unknown} error @param {Blob | undefined} image */
async function explained(error, image) {
  if (error instanceof DOMException && error.name === "AbortError") return error;
  if (image && (await isAlive())) {
    // A body beyond the limit is refused before it has arrived, which browsers take for a failure.
    return new Problem("too large", "The service broke the upload off; send a smaller file.");
  }
  return new Problem("gone", "Start it again with `belvedere serve`.");
}

/** Whether the service answers at all. */
async function isAlive() {
  return fetch("/livez").then(
    (response) => response.ok,
    () => false,
  );
}

/** @param {string | undefined} release the fingerprint that an answer carries */
function noteRelease(release) {
  if (!release || release === served) return;
  const first = served === null;
  served = release;
  if (first) return;
  remembered.clear();
  dispatchEvent(new Event("release"));
}

/** @param {number} seconds @param {AbortSignal} [signal] */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
