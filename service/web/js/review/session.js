/** Session of a review: the next items, those that were skipped, and the steps to take back. */

import { ApiError } from "../core/api-error.js";
import { decisionOf, outboxEvents, sendUndo, undecidedIds } from "./outbox.js";

const PAGE = 20;
const LOW = 8;
const MAX_LIMIT = 1000;

/** Steps that a reload keeps. */
const MAX_STORED_STEPS = 200;

/**
 * @typedef {import("./outbox.js").Decision} Decision
 */

/**
 * @template Item
 * @typedef {object} Source
 * @property {(limit: number) => Promise<{ items: Item[], total: number }>} load returns the first
 *   items of the queue
 * @property {(item: Item) => string} keyOf
 * @property {(item: Item) => string[]} idsOf ids of its images
 * @property {(item: Item) => Promise<Item | null>} reload returns the present state of an item;
 *   null if it no longer exists
 * @property {number} [mostPerLoad]
 */

/**
 * @template Item
 * @typedef {object} Step
 * @property {Item} item
 * @property {Decision | null} decision null if the item was skipped
 */

/**
 * @template Item
 * @typedef {object} StoredSession
 * @property {Step<Item>[]} steps
 * @property {number} earlier number of decisions whose steps are no longer known
 * @property {Step<Item>[]} returned items whose decisions are being taken back
 * @property {string | null} place key of the present item
 */

/**
 * @template Item
 * @typedef {ReturnType<typeof createSession<Item>>} Session
 */

/**
 * Create a session, or continue a stored one; call `fill` before the first item is shown.
 *
 * @template Item
 * @param {Source<Item>} source
 * @param {StoredSession<Item>} [stored]
 */
export function createSession({ load, keyOf, idsOf, reload, mostPerLoad = MAX_LIMIT }, stored) {
  /** Newest last. */
  const steps = (stored?.steps ?? []).flatMap(liveStep);
  /** Items of decisions that are being taken back, the newest last. */
  let returned = (stored?.returned ?? []).flatMap(liveStep).filter(isOpen);
  /** The present item is the first. @type {Item[]} */
  let items = returned.map(({ item }) => item).reverse();
  /** Keys of all items that were loaded. */
  const known = new Set([...steps.map(({ item }) => item), ...items].map(keyOf));
  let earlier = stored?.earlier ?? 0;
  let place = stored?.place ?? null;
  let left = 0;
  let isComplete = false;
  /** @type {Promise<void> | null} */
  let filling = null;
  const events = new EventTarget();
  const closing = new AbortController();
  outboxEvents.addEventListener(
    "refused",
    (event) => {
      const { decision, error } = /** @type {CustomEvent} */ (event).detail;
      takeBackRefused(decision, error);
    },
    { signal: closing.signal },
  );

  return {
    /** Dispatches `change`, and `refused` with an item and an `ApiError`. */
    events,
    current: () => /** @type {Item | undefined} */ (items[0]),
    upcoming: (/** @type {number} */ count) => items.slice(1, 1 + count),
    counts: () => ({
      decided: earlier + steps.filter(({ decision }) => decision !== null).length,
      skipped: steps.filter(({ decision }) => decision === null).length,
      left,
    }),
    canUndo: () => steps.length > 0,
    fill,
    advance,
    undo,
    showSkipped,
    stored: storedSession,
    close: () => closing.abort(),
  };

  /** Load more items if few are left. @param {{ again?: boolean }} [options] */
  function fill({ again = false } = {}) {
    if (again) isComplete = false;
    if (items.length >= LOW || isComplete) return Promise.resolve();
    filling ??= loadMore().finally(() => {
      filling = null;
    });
    return filling;
  }

  async function loadMore() {
    // The service still lists items that were skipped or whose decisions are on their way.
    const open = steps.filter(isOpen).length;
    const limit = Math.min(items.length + open + PAGE, mostPerLoad);
    const found = await load(limit);
    const undecided = undecidedIds();
    const fresh = found.items.filter(
      (item) => !known.has(keyOf(item)) && !idsOf(item).some((id) => undecided.has(id)),
    );
    for (const item of fresh) known.add(keyOf(item));
    const wasShown = items.length > 0;
    items.push(...fresh);
    goToPlace();
    left = found.total - found.items.length + items.length;
    isComplete = fresh.length === 0 || found.total <= limit;
    if (!wasShown && items.length > 0) notify();
  }

  /** Show the item first that was shown before the page was loaded. */
  function goToPlace() {
    const index = items.findIndex((item) => keyOf(item) === place);
    if (index > 0) items.unshift(...items.splice(index, 1));
    place = null;
  }

  /** Go to the next item. @param {Decision | null} decision null to skip the present one */
  function advance(decision) {
    const item = items.shift();
    if (item === undefined) return;
    steps.push({ item, decision });
    left -= 1;
    notify();
  }

  /** Return to the item of the last step, and take its decision back. */
  function undo() {
    const step = steps.pop();
    if (!step) return null;
    items.unshift(step.item);
    left += 1;
    returned = returned.filter(isOpen);
    if (step.decision) returned.push({ item: step.item, decision: sendUndo(step.decision) });
    notify();
    return step;
  }

  function showSkipped() {
    const skipped = steps.filter(({ decision }) => decision === null);
    for (const step of skipped) steps.splice(steps.indexOf(step), 1);
    items.push(...skipped.map(({ item }) => item));
    left += skipped.length;
    notify();
  }

  /** @returns {StoredSession<Item>} */
  function storedSession() {
    const dropped = steps.slice(0, -MAX_STORED_STEPS);
    return {
      steps: steps.slice(-MAX_STORED_STEPS),
      earlier: earlier + dropped.filter(({ decision }) => decision !== null).length,
      returned: returned.filter(isOpen),
      place: items.length > 0 ? keyOf(items[0]) : place,
    };
  }

  /** @param {Decision} decision @param {unknown} error */
  async function takeBackRefused(decision, error) {
    const step = steps.find((each) => each.decision === decision);
    const item = step?.item ?? returned.find((each) => each.decision === decision)?.item;
    if (item === undefined) return;
    if (step) {
      steps.splice(steps.indexOf(step), 1);
      left += 1;
    }
    const latest = isOutdated(error) ? await reload(item).catch(() => item) : item;
    const index = items.findIndex((each) => keyOf(each) === keyOf(item));
    if (latest === null) {
      if (index >= 0) items.splice(index, 1);
      left -= 1;
    } else if (index >= 0) items.splice(index, 1, latest);
    // The present item stays, because the next key is meant for it.
    else items.splice(1, 0, latest);
    events.dispatchEvent(
      new CustomEvent("refused", { detail: { item: latest ?? item, error, isGone: !latest } }),
    );
    notify();
  }

  function notify() {
    events.dispatchEvent(new Event("change"));
  }
}

/**
 * Return a stored step with its decision as the outbox knows it; nothing if it cannot be taken back.
 *
 * @template Item
 * @param {Step<Item>} stored
 * @returns {Step<Item>[]}
 */
function liveStep({ item, decision: copy }) {
  const decision = copy && decisionOf(copy);
  return copy === null || decision ? [{ item, decision }] : [];
}

/** Return whether the service still lists the item of a step. @param {Step<any>} step */
function isOpen({ decision }) {
  return !decision?.isSettled;
}

/** Return whether an image is not in the state on display. @param {unknown} error */
function isOutdated(error) {
  return error instanceof ApiError && ["changed", "not found"].includes(error.kind);
}
