/** The service's public calls: answers as objects, failures as `Problem`. */

import { gone, Problem, refusal } from "./api-error.js";
import { anotherKey, knownKey } from "./api-key.js";
import { callOf } from "./urls.js";

const ATTEMPTS_WHILE_BUSY = 4;
const SECONDS_AFTER_LOSS = 0.3;
const MILLISECONDS_UNTIL_BACK = 60_000;

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

/** @type {Map<string, number>} when releases were left */
const left = new Map();

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
    const key = knownKey();
    try {
      return await answered(path, key, options);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.kind === "busy" && attempt < ATTEMPTS_WHILE_BUSY) {
        dispatchEvent(new Event("busy"));
        await pause(problem.pause, options.signal);
      } else if (
        problem.kind !== "locked" ||
        options.mayPrompt === false ||
        !(await anotherKey(key))
      ) {
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
  // Who may be asked for the key must not wait with one who may not.
  if (options.mayPrompt !== false) remembered.set(path, answer);
  answer.then(
    ({ release }) => {
      if (release === served) remembered.set(path, answer);
      else forget(path, answer);
    },
    () => forget(path, answer),
  );
  return answer;
}

/** @param {string} path @param {Promise<any>} answer */
function forget(path, answer) {
  if (remembered.get(path) === answer) remembered.delete(path);
}

/** @param {string} path @param {string | null} key @param {Options} options */
async function answered(path, key, { image, signal }) {
  /** @type {RequestInit} */
  const request = { signal, headers: key ? { "X-API-Key": key } : {} };
  if (image) Object.assign(request, { method: "POST", body: image });
  let exchange;
  try {
    exchange = await exchanged(path, request);
  } catch (error) {
    throw await explained(error, image);
  }
  const { response, answer } = exchange;
  noteRelease(answer.release);
  if (response.ok) return answer;
  throw refusal(response, path, answer);
}

/**
 * Ask, and once more where the connection was lost: every call only reads, and browsers drop
 * connections whenever the network changes.
 *
 * @param {string} path
 * @param {RequestInit} request
 */
async function exchanged(path, request) {
  try {
    return await whole(path, request);
  } catch (error) {
    if (request.signal?.aborted) throw error;
    await pause(SECONDS_AFTER_LOSS, request.signal);
    return whole(path, request);
  }
}

/**
 * The answer to its end, since the connection may be lost on the way.
 *
 * @param {string} path
 * @param {RequestInit} request
 */
async function whole(path, request) {
  const response = await fetch(callOf(path), request);
  // What a proxy says of a service that is gone need not be JSON.
  const answer = await (response.ok ? response.json() : response.json().catch(() => ({})));
  return { response, answer };
}

/** @param {unknown} error @param {Blob | undefined} image */
async function explained(error, image) {
  if (error instanceof DOMException && error.name === "AbortError") return error;
  if (image && !(await isReadable(image))) {
    return new Problem("not an image", "It cannot be read any more; choose it again.");
  }
  if (image && (await isAlive())) {
    // A body beyond the limit is refused before it has arrived, which browsers take for a loss.
    return new Problem("interrupted", "The upload broke off; try again, or send a smaller file.");
  }
  return gone();
}

/** Whether it is a file that is still there. @param {Blob} image */
function isReadable(image) {
  return image
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}

/** Whether the service answers at all. */
async function isAlive() {
  return fetch(callOf("/livez")).then(
    (response) => response.ok,
    () => false,
  );
}

/** The fingerprint of the release that the page shows. */
export function servedRelease() {
  return served;
}

/**
 * Tell when another release is served. Replicas may serve two for a while: what was left is not
 * gone back to at once, or the page would go to and fro with them.
 *
 * @param {string | undefined} release the fingerprint that an answer carries
 */
function noteRelease(release) {
  if (!release || release === served) return;
  if (performance.now() < (left.get(release) ?? -Infinity) + MILLISECONDS_UNTIL_BACK) return;
  const former = served;
  served = release;
  if (former === null) return;
  left.set(former, performance.now());
  remembered.clear();
  dispatchEvent(new Event("release"));
}

/** @param {number} seconds @param {AbortSignal | null} [signal] */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve(undefined);
    }, seconds * 1000);
    function stop() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}
