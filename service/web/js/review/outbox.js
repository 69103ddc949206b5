/**
 * Outbox of decisions: they are sent one after the other, in their order, until the service has
 * answered each. It continues when its view is left.
 */

import { ApiError } from "../core/api-error.js";
import { callApi, sleep } from "../core/api.js";

const MAX_RETRY_SECONDS = 10;

/**
 * @typedef {import("../core/api-error.js").Kind} Kind
 *
 * @callback EtagOf returns the present entity tag of an image that was seen with another one, as
 *   far as only this page has changed the image since
 * @param {string} id
 * @param {string} seen
 * @returns {string}
 *
 * @typedef {object} Call
 * @property {string} path
 * @property {unknown} json
 * @property {Record<string, string>} [basis] entity tag of each image before the change
 *
 * @typedef {object} Decision
 * @property {string[]} ids
 * @property {(etagOf: EtagOf) => Call | null} call returns null if there is nothing to send
 * @property {string[]} keys keys in the journal; empty before the answer
 * @property {Record<string, string>} etags entity tags after the change; empty before the answer
 * @property {boolean} isSettled whether it was answered or refused
 */

/** Errors that end, so that the same decision is sent again. @type {Kind[]} */
const PASSING = ["busy", "interrupted", "not ready", "unreachable"];

/** Errors that only the user can end. @type {Kind[]} */
const HALTING = ["forbidden", "unauthorized"];

/** Dispatches `change`, and `refused` with a decision and an `ApiError`. */
export const outboxEvents = new EventTarget();

/** @type {Decision[]} */
const waiting = [];

/** Entity tag of an image after a change of this page, by id and earlier tag. */
/** @type {Map<string, string>} */
const successors = new Map();

/** Reason of a pause. @type {ApiError | null} */
let trouble = null;

let isSending = false;

/** Continue after a pause. */
let resume = () => {};

/** Return the number of decisions without an answer, and the reason of a pause. */
export function outboxState() {
  const isHalted = trouble !== null && HALTING.includes(trouble.kind);
  return { count: waiting.length, trouble, isHalted };
}

/** Return the ids of images with a decision that is not answered. */
export function undecidedIds() {
  return new Set(waiting.flatMap(({ ids }) => ids));
}

/**
 * Send a decision after those before.
 *
 * @param {string[]} ids
 * @param {Decision["call"]} call
 */
export function sendDecision(ids, call) {
  /** @type {Decision} */
  const decision = { ids, call, keys: [], etags: {}, isSettled: false };
  waiting.push(decision);
  if (isSending) notify();
  else drain();
  return decision;
}

/** Take a decision back, after it was answered. @param {Decision} decision */
export function sendUndo(decision) {
  return sendDecision(decision.ids, () =>
    decision.keys.length > 0
      ? { path: "/undo", json: { decisions: decision.keys }, basis: decision.etags }
      : null,
  );
}

/** Send the decisions again that wait for the user. */
export function resumeOutbox() {
  resume();
}

async function drain() {
  isSending = true;
  addEventListener("beforeunload", warn);
  notify();
  for (let seconds = 1; waiting.length > 0;) {
    const [decision] = waiting;
    try {
      await send(decision);
      [trouble, seconds] = [null, 1];
    } catch (error) {
      if (error instanceof ApiError && [...PASSING, ...HALTING].includes(error.kind)) {
        trouble = error;
        notify();
        await pause(HALTING.includes(error.kind) ? Infinity : seconds);
        seconds = Math.min(2 * seconds, MAX_RETRY_SECONDS);
        continue;
      }
      trouble = null;
      refuse(decision, error);
    }
    decision.isSettled = true;
    waiting.shift();
    notify();
  }
  isSending = false;
  removeEventListener("beforeunload", warn);
}

/** @param {Decision} decision */
async function send(decision) {
  const call = decision.call(etagOf);
  if (call === null) return;
  const { path, json, basis = {} } = call;
  const answer = await callApi(path, { json });
  decision.keys = answer.decisions;
  decision.etags = answer.images;
  for (const [id, etag] of Object.entries(decision.etags)) {
    if (!basis[id] || basis[id] === etag) continue;
    successors.set(tagKey(id, basis[id]), etag);
    // A decision that is taken back may lead to an earlier tag, which is the present one then.
    successors.delete(tagKey(id, etag));
  }
}

/** @param {Decision} decision @param {unknown} error */
function refuse(decision, error) {
  outboxEvents.dispatchEvent(new CustomEvent("refused", { detail: { decision, error } }));
  if (!(error instanceof ApiError)) reportError(error);
}

/** @type {EtagOf} */
function etagOf(id, seen) {
  let etag = seen;
  for (;;) {
    const next = successors.get(tagKey(id, etag));
    if (next === undefined) return etag;
    etag = next;
  }
}

/** @param {string} id @param {string} etag */
function tagKey(id, etag) {
  return `${etag} ${id}`;
}

/** Wait some seconds, or until the outbox is resumed. @param {number} seconds */
function pause(seconds) {
  const resumed = new Promise((resolve) => {
    resume = () => resolve(undefined);
  });
  return Promise.race(seconds === Infinity ? [resumed] : [resumed, sleep(seconds)]);
}

function notify() {
  outboxEvents.dispatchEvent(new Event("change"));
}

/** Ask before the tab is closed with decisions that were not answered. @param {Event} event */
function warn(event) {
  event.preventDefault();
}
