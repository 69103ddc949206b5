/**
 * Outbox of decisions: they are sent one after the other, in their order, until the service has
 * answered each. It continues when its view is left and when the page is loaded again.
 */

import { ApiError } from "../core/api-error.js";
import { callApi, sleep } from "../core/api.js";
import { openStorage, storeOutbox } from "./outbox-storage.js";

const MAX_RETRY_SECONDS = 10;

/** The oldest tags are forgotten first; a decision about such an image is made again. */
const MAX_SUCCESSORS = 500;

/**
 * @typedef {import("../core/api-error.js").Kind} Kind
 *
 * @typedef {object} Call
 * @property {"/changes" | "/distinct"} path
 * @property {Record<string, unknown>} json
 * @property {Record<string, string>} seen entity tags of the images on display
 *
 * @typedef {object} Decision as plain data, which can be stored
 * @property {string} id
 * @property {string[]} ids of the images
 * @property {Call | null} call
 * @property {Decision | null} undoes decision that this one takes back, instead of a call
 * @property {string[]} keys keys in the journal; empty before the answer
 * @property {Record<string, string>} etags entity tags after the change; empty before the answer
 * @property {boolean} isSettled whether it was answered or refused
 */

/** Errors that end, so that the same decision is sent again. @type {Kind[]} */
const PASSING = ["busy", "interrupted", "not ready", "unreachable"];

/** Errors that only the user can end. @type {Kind[]} */
const HALTING = ["forbidden", "unauthorized"];

/** Dispatches `change`, `discarded`, and `refused` with a decision and an `ApiError`. */
export const outboxEvents = new EventTarget();

/** @type {Decision[]} */
const waiting = [];

/** Entity tag of an image after a change of this page, by id and earlier tag. */
/** @type {Map<string, string>} */
const successors = new Map();

/** Reason of a pause. @type {ApiError | null} */
let trouble = null;

let isSending = false;

/** Decisions of an earlier load of the page, by id. @type {Map<string, Decision>} */
const restored = new Map();

/** Continue after a pause. */
let resume = () => {};

/** Decisions of an earlier load of the page are known, and are sent first. */
export const outboxReady = restore();

async function restore() {
  const stored = await openStorage();
  for (const each of stored.waiting) {
    const undoes = each.undoes && (restored.get(each.undoes.id) ?? each.undoes);
    restored.set(each.id, { ...each, undoes });
  }
  waiting.push(...restored.values());
  for (const [key, etag] of stored.successors) successors.set(key, etag);
  if (waiting.length > 0) drain();
}

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
 * Return the decision that a stored one is a copy of; null if it can never be taken back.
 *
 * @param {Decision} stored
 */
export function decisionOf(stored) {
  const decision = restored.get(stored.id) ?? stored;
  return decision.keys.length > 0 || waiting.includes(decision) ? decision : null;
}

/** Send a decision after those before. @param {Call} call */
export function sendDecision(call) {
  return enqueue({ ids: Object.keys(call.seen), call, undoes: null });
}

/** Take a decision back, after it was answered. @param {Decision} decision */
export function sendUndo(decision) {
  return enqueue({ ids: decision.ids, call: null, undoes: decision });
}

/** @param {Pick<Decision, "ids" | "call" | "undoes">} content */
function enqueue(content) {
  /** @type {Decision} */
  const decision = {
    ...content,
    id: `${Date.now()} ${Math.random()}`,
    keys: [],
    etags: {},
    isSettled: false,
  };
  waiting.push(decision);
  store();
  if (isSending) notify();
  else drain();
  return decision;
}

/** Send the decisions again that wait for the user. */
export function resumeOutbox() {
  resume();
}

/** Forget the decisions that wait for the user. */
export function discardOutbox() {
  for (const decision of waiting.splice(0)) decision.isSettled = true;
  store();
  resume();
  outboxEvents.dispatchEvent(new Event("discarded"));
}

async function drain() {
  isSending = true;
  notify();
  for (let seconds = 1; waiting.length > 0;) {
    const [decision] = waiting;
    try {
      await send(decision);
      [trouble, seconds] = [null, 1];
    } catch (error) {
      if (error instanceof ApiError && isTemporary(error, decision)) {
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
    if (waiting[0] === decision) waiting.shift();
    store();
    notify();
  }
  trouble = null;
  isSending = false;
  notify();
}

/** Return whether a decision waits for the end of an error. @param {ApiError} error @param {Decision} decision */
function isTemporary({ kind }, { call }) {
  // A key may permit labels and no deletions; the other decisions must not wait.
  if (kind === "forbidden" && call?.json.deleted) return false;
  return [...PASSING, ...HALTING].includes(kind);
}

/** @param {Decision} decision */
async function send(decision) {
  const { path, json, basis } = requestOf(decision);
  if (path === null) return;
  const answer = await callApi(path, { json });
  decision.keys = answer.decisions;
  decision.etags = answer.images;
  for (const [id, etag] of Object.entries(decision.etags)) {
    if (!basis[id] || basis[id] === etag) continue;
    successors.set(tagKey(id, basis[id]), etag);
    // A decision that is taken back may lead to an earlier tag, which is the present one then.
    successors.delete(tagKey(id, etag));
  }
  for (const key of [...successors.keys()].slice(0, -MAX_SUCCESSORS)) successors.delete(key);
}

/**
 * Return a request with the entity tags of the images before the change; without a path if there
 * is nothing to send.
 *
 * @param {Decision} decision
 * @returns {{ path: string | null, json?: unknown, basis: Record<string, string> }}
 */
function requestOf({ call, undoes }) {
  if (call === null) {
    const { keys = [], etags = {} } = undoes ?? {};
    return { path: keys.length > 0 ? "/undo" : null, json: { decisions: keys }, basis: etags };
  }
  const { path, seen } = call;
  const basis = Object.fromEntries(
    Object.entries(seen).map(([id, etag]) => [id, presentTag(id, etag)]),
  );
  const json = path === "/changes" ? { ...call.json, if_match: basis } : call.json;
  return { path, json, basis };
}

/** @param {Decision} decision @param {unknown} error */
function refuse(decision, error) {
  outboxEvents.dispatchEvent(new CustomEvent("refused", { detail: { decision, error } }));
  if (!(error instanceof ApiError)) reportError(error);
}

/**
 * Return the present entity tag of an image that was seen with another one, as far as only this
 * page has changed the image since.
 *
 * @param {string} id
 * @param {string} seen
 */
function presentTag(id, seen) {
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

function store() {
  const isStored = storeOutbox({ waiting, successors: [...successors] });
  if (isStored || waiting.length === 0) removeEventListener("beforeunload", warn);
  else addEventListener("beforeunload", warn);
}

function notify() {
  outboxEvents.dispatchEvent(new Event("change"));
}

/** Ask before the tab is closed with decisions that are not stored. @param {Event} event */
function warn(event) {
  event.preventDefault();
}
