/** Session of a review: the next items, those that were skipped, and the steps to take back. */

import { outboxEvents, sendUndo } from "./outbox.js";

const PAGE = 20;
const LOW = 8;
const MAX_LIMIT = 1000;

/**
 * @typedef {import("./outbox.js").Decision} Decision
 */

/**
 * @template Item
 * @typedef {object} Source
 * @property {(limit: number) => Promise<{ items: Item[], total: number }>} load returns the first
 *   items of the queue
 * @property {(item: Item) => string} keyOf
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
 * @typedef {ReturnType<typeof createSession<Item>>} Session
 */

/**
 * Create a session; call `fill` before the first item is shown.
 *
 * @template Item
 * @param {Source<Item>} source
 */
export function createSession({ load, keyOf, reload, mostPerLoad = MAX_LIMIT }) {
  /** The present item is the first. @type {Item[]} */
  let items = [];
  /** Keys of all items that were loaded. @type {Set<string>} */
  const known = new Set();
  /** Items of decisions that are taken back. @type {WeakMap<Decision, Item>} */
  const watched = new WeakMap();
  /** Newest last. @type {Step<Item>[]} */
  const steps = [];
  let left = 0;
  let isComplete = false;
  /** @type {Promise<void> | null} */
  let filling = null;
  const events = new EventTarget();
  outboxEvents.addEventListener("refused", (event) => {
    const { decision, error } = /** @type {CustomEvent} */ (event).detail;
    takeBackRefused(decision, error);
  });

  return {
    /** Dispatches `change`, and `refused` with an item and an `ApiError`. */
    events,
    current: () => /** @type {Item | undefined} */ (items[0]),
    upcoming: (/** @type {number} */ count) => items.slice(1, 1 + count),
    counts: () => ({
      decided: steps.filter(({ decision }) => decision !== null).length,
      skipped: steps.filter(({ decision }) => decision === null).length,
      left,
    }),
    canUndo: () => steps.length > 0,
    fill,
    advance,
    undo,
    showSkipped,
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
    const open = steps.filter(({ decision }) => !decision?.isSettled).length;
    const limit = Math.min(items.length + open + PAGE, mostPerLoad);
    const found = await load(limit);
    const fresh = found.items.filter((item) => !known.has(keyOf(item)));
    for (const item of fresh) known.add(keyOf(item));
    const wasShown = items.length > 0;
    items.push(...fresh);
    left = found.total - found.items.length + items.length;
    isComplete = fresh.length === 0 || found.total <= limit;
    if (!wasShown && items.length > 0) notify();
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
    if (step.decision) watched.set(sendUndo(step.decision), step.item);
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

  /** @param {Decision} decision @param {unknown} error */
  async function takeBackRefused(decision, error) {
    const step = steps.find((each) => each.decision === decision);
    const item = step?.item ?? watched.get(decision);
    if (item === undefined) return;
    if (step) {
      steps.splice(steps.indexOf(step), 1);
      left += 1;
    }
    const latest = await reload(item).catch(() => item);
    const place = items.findIndex((each) => keyOf(each) === keyOf(item));
    if (latest === null) {
      if (place >= 0) items.splice(place, 1);
      left -= 1;
    } else if (place >= 0) items.splice(place, 1, latest);
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
