/** API client: responses as objects, failures as `ApiError`. */

import { ApiError, responseError, unreachableError } from "./api-error.js";
import { currentApiKey, requestApiKey } from "./api-key.js";
import { apiUrl } from "./urls.js";

const MAX_ATTEMPTS = 4;
const RETRY_SECONDS_AFTER_CONNECTION_LOSS = 0.3;
const MILLISECONDS_BEFORE_RETURN = 60_000;

/**
 * @typedef {object} Options
 * @property {Blob} [image] request body, sent by POST
 * @property {FormData} [form] request body, sent by POST
 * @property {unknown} [json] request body, sent by POST
 * @property {string} [method] other than GET or POST
 * @property {string} [ifMatch] entity tag of the record on which a change is based
 * @property {AbortSignal} [signal] aborts the request
 * @property {boolean} [asFile] whether the response is `{ file: Blob, name: string }`
 * @property {boolean} [mayPrompt] whether to prompt for a required API key; default true
 */

/** Responses by path. @type {Map<string, Promise<any>>} */
const cache = new Map();

/** @type {string | null} */
let release = null;

/** Newest revision of the feature store in a response of the release. */
let revision = 0;

/** Time at which each former release was replaced. @type {Map<string, number>} */
const replacedAt = new Map();

/**
 * Call the API. A busy service is retried up to three times, and a required API key is prompted
 * for.
 *
 * @param {string} path with query
 * @param {Options} [options]
 * @returns {Promise<any>} the parsed response
 * @throws {ApiError}
 */
export async function callApi(path, options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const key = currentApiKey();
    try {
      return await send(path, key, options);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.kind === "busy" && attempt < MAX_ATTEMPTS) {
        dispatchEvent(new Event("busy"));
        await sleep(error.retryAfter, options.signal);
      } else if (
        error.kind !== "unauthorized" ||
        options.mayPrompt === false ||
        !(await requestApiKey(key))
      ) {
        throw error;
      }
    }
  }
}

/**
 * Call the API with a cache, for responses that are constant for a revision.
 *
 * @param {string} path
 * @param {Options} [options] without a signal, because callers share the response
 * @returns {Promise<any>}
 */
export function callApiCached(path, options = {}) {
  const cached = cache.get(path);
  if (cached) return cached;
  const response = callApi(path, options);
  // A caller that may prompt for the key must not share the failure of a caller that may not.
  if (options.mayPrompt !== false) cache.set(path, response);
  response.then(
    (body) => {
      if (isCurrent(body)) cache.set(path, response);
      else evict(path, response);
    },
    () => evict(path, response),
  );
  return response;
}

/** @param {string} path @param {Promise<any>} response */
function evict(path, response) {
  if (cache.get(path) === response) cache.delete(path);
}

/** @param {string} path @param {string | null} key @param {Options} options */
async function send(path, key, options) {
  let exchange;
  try {
    exchange = await fetchWithRetry(path, requestOf(key, options), options.asFile);
  } catch (error) {
    throw await connectionError(error, options);
  }
  const { response, body } = exchange;
  updateRelease(body);
  updateRevision(body);
  if (response.ok) return body;
  throw responseError(response, path, body);
}

/** @param {string | null} key @param {Options} options @returns {RequestInit} */
function requestOf(key, { image, form, json, method, ifMatch, signal }) {
  const hasJson = json !== undefined;
  const body = hasJson ? JSON.stringify(json) : (image ?? form);
  return {
    signal,
    body,
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(key && { "X-API-Key": key }),
      ...(hasJson && { "Content-Type": "application/json" }),
      ...(ifMatch && { "If-Match": `"${ifMatch}"` }),
    },
  };
}

/**
 * Send a request, and retry once after a lost connection: browsers drop connections when the
 * network changes, and all changes may be repeated.
 *
 * @param {string} path
 * @param {RequestInit} request
 * @param {boolean} [asFile]
 */
async function fetchWithRetry(path, request, asFile = false) {
  try {
    return await fetchBody(path, request, asFile);
  } catch (error) {
    if (request.signal?.aborted) throw error;
    await sleep(RETRY_SECONDS_AFTER_CONNECTION_LOSS, request.signal);
    return fetchBody(path, request, asFile);
  }
}

/**
 * Send a request and read the whole body, because the connection may be lost in between.
 *
 * @param {string} path
 * @param {RequestInit} request
 * @param {boolean} asFile
 */
async function fetchBody(path, request, asFile) {
  const response = await fetch(apiUrl(path), request);
  if (asFile && response.ok) return { response, body: await fileOf(response) };
  // An error response of a proxy may not be JSON.
  const isExpected = response.ok && response.status !== 204;
  const body = await (isExpected ? response.json() : response.json().catch(() => ({})));
  return { response, body };
}

/** @param {Response} response */
async function fileOf(response) {
  const [, name = "download"] =
    /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "") ?? [];
  return { file: await response.blob(), name };
}

/** @param {unknown} error @param {Options} options */
async function connectionError(error, { image, form }) {
  if (error instanceof DOMException && error.name === "AbortError") return error;
  const files = [image, ...(form?.values() ?? [])].filter((each) => each instanceof Blob);
  const readable = await Promise.all(files.map(isReadable));
  if (readable.includes(false)) {
    return new ApiError("not an image", "The file can no longer be read. Choose it again.");
  }
  if (files.length > 0 && (await isAlive())) {
    // A body above the limit is rejected before its end; browsers report that as a lost connection.
    return new ApiError(
      "interrupted",
      "The upload was interrupted. Try again, or send a smaller file.",
    );
  }
  return unreachableError();
}

/** Return whether the file still exists. @param {Blob} image */
function isReadable(image) {
  return image
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}

/** Return whether the service responds at all. */
async function isAlive() {
  return fetch(apiUrl("/livez")).then(
    (response) => response.ok,
    () => false,
  );
}

/**
 * @typedef {object} ServedState
 * @property {string} [release] absent from some error responses
 * @property {number} [revision] absent from error responses
 */

/** Return the release that is served; null before the first response. */
export function currentRelease() {
  return release;
}

/** Return whether a response is of the state that the page shows. @param {ServedState} body */
export function isCurrent(body) {
  return body.release === release && body.revision === revision;
}

/**
 * Call a function when the data of a view differ after a change of the stored images.
 *
 * @param {() => Promise<unknown>} load
 * @param {() => void} onChange
 * @param {AbortSignal} signal
 */
export async function watchData(load, onChange, signal) {
  const read = () => load().then((data) => JSON.stringify(data), missing);
  const shown = await read();
  addEventListener(
    "revision",
    async () => {
      const latest = await read();
      if (latest !== null && latest !== shown && !signal.aborted) onChange();
    },
    { signal },
  );
}

/** Return the data of a missing image; null if they are unknown. @param {unknown} error */
function missing(error) {
  return error instanceof ApiError && error.kind === "not found" ? "" : null;
}

/**
 * Dispatch a `release` event when the release changes. During a deployment, replicas may serve two
 * releases: a former one is ignored for a minute, because the page would otherwise alternate
 * between them.
 *
 * @param {ServedState} response
 */
function updateRelease({ release: fingerprint, revision: served }) {
  if (!fingerprint || fingerprint === release) return;
  const elapsed = performance.now() - (replacedAt.get(fingerprint) ?? -Infinity);
  if (elapsed < MILLISECONDS_BEFORE_RETURN) return;
  const former = release;
  release = fingerprint;
  revision = served ?? 0;
  if (former === null) return;
  replacedAt.set(former, performance.now());
  cache.clear();
  dispatchEvent(new Event("release"));
}

/**
 * Dispatch a `revision` event when stored images were added, changed or deleted. Replicas may be
 * behind: an earlier revision is ignored.
 *
 * @param {ServedState} response
 */
function updateRevision({ release: fingerprint, revision: served }) {
  if (fingerprint !== release || served === undefined || served <= revision) return;
  revision = served;
  cache.clear();
  dispatchEvent(new Event("revision"));
}

/**
 * Wait; reject if the signal is aborted.
 *
 * @param {number} seconds
 * @param {AbortSignal | null} [signal]
 */
export function sleep(seconds, signal) {
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
