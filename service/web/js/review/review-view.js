/**
 * Views of the review: doubtful labels, images without a label, duplicates. One item is shown at a
 * time; a decision shows the next item at once, and is sent in the background.
 */

import { ApiError } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { isWritable, readOnlyNote } from "../core/permission.js";
import { shortcutOf } from "../core/shortcuts.js";
import { announce, errorNotice, loading, preserveFocus, toast } from "../core/status.js";
import { parseFilter } from "../filters/image-filter.js";
import { viewFilters } from "../filters/view-filters.js";
import { actionBar } from "./action-bar.js";
import { ACTION_KEYS } from "./class-keys.js";
import { goalLinks, goalOf, goalUrl } from "./goals.js";
import { outboxEvents, outboxReady } from "./outbox.js";
import { outboxNote } from "./outbox-note.js";
import { preload } from "./preloading.js";
import { progressLine } from "./progress-line.js";
import { sessionOf } from "./sessions.js";

const PRELOADED = 4;
const NOTE = "The numbers count all images, not only the listed ones.";

/**
 * @typedef {object} Proposal decision that may have to be confirmed
 * @property {string | null} question to confirm it
 * @property {() => import("./outbox.js").Decision} send
 */

/**
 * @template Item
 * @typedef {object} Action
 * @property {string} key
 * @property {boolean} [isMain] whether Enter has the same effect
 * @property {boolean} [isSecondary] whether it is beside the classes
 * @property {(item: Item) => string} name
 * @property {(item: Item) => boolean} isPossible
 * @property {(item: Item) => Proposal} propose
 */

/**
 * @typedef {object} Choice
 * @property {string} label
 * @property {string[]} keys
 */

/**
 * @template Item
 * @typedef {object} Goal
 * @property {string} title
 * @property {string} noun of an item
 * @property {string} lead
 * @property {string} empty shown if there are no items
 * @property {(filters: string) => import("./session.js").Source<Item>} source
 * @property {(item: Item, signal: AbortSignal, choose: (key: string) => void) => Node[]} show
 * @property {(item: Item) => string} announce
 * @property {(item: Item) => string} nameOf
 * @property {(item: Item) => string[]} urls of its images
 * @property {Action<Item>[]} actions
 * @property {() => Choice[]} choices classes to choose from
 * @property {(item: Item, key: string) => Proposal | null} choose returns null if the key has no
 *   meaning
 */

/** @type {import("../router.js").View} */
export function reviewView(host, context) {
  return showGoal(host, context, context.query.get("goal") ?? "review");
}

/** @type {import("../router.js").View} */
export function duplicatesView(host, context) {
  return showGoal(host, context, "duplicates");
}

/**
 * @param {HTMLElement} host
 * @param {import("../router.js").ViewContext} context
 * @param {string} name of the goal
 */
async function showGoal(host, { query, signal, reload }, name) {
  const goal = goalOf(name);
  const filter = parseFilter(query);
  await outboxReady;
  let session = filteredSession();
  /** Aborted when another session is shown. */
  let following = new AbortController();
  await session.fill({ again: true });
  if (signal.aborted) return;
  /** Item on the stage. @type {unknown} */
  let shown;
  /** Decision about it that waits for a confirmation. @type {Proposal | null} */
  let asked = null;
  const stage = element("article", { class: "image-view review-item", tabindex: -1 });
  const messages = element("div", { class: "messages" });
  const progress = progressLine(goal.noun);
  const cancel = () => ask(null);
  const bar = actionBar(goal, { run, choose, skip, undo, confirm, cancel });
  const filters = viewFilters(filter, {
    onChange: onFilter,
    signal,
    without: ["labelled"],
    note: NOTE,
  });
  host.replaceChildren(
    element("div", { class: "review-head" }, element("h1", {}, goal.title), goalLinks(name)),
    filters.element,
    readOnlyNote() ?? "",
    outboxNote(signal),
    messages,
    progress.element,
    bar.element,
    stage,
    element("p", { class: "secondary" }, goal.lead),
  );
  follow();
  signal.addEventListener("abort", () => following.abort());
  addEventListener("revision", filters.update, { signal });
  outboxEvents.addEventListener("change", () => progress.update(session.counts()), { signal });
  outboxEvents.addEventListener("discarded", reload, { signal });
  addEventListener("keydown", onKey, { signal });
  show(false);
  return session.current() ? goal.announce(session.current()) : undefined;

  function filteredSession() {
    return sessionOf(`${name}?${filter}`, goal.source(String(filter)));
  }

  /** Show the changes of the session. */
  function follow() {
    following = new AbortController();
    const ended = following.signal;
    session.events.addEventListener("change", () => show(true), { signal: ended });
    session.events.addEventListener("refused", onRefusal, { signal: ended });
  }

  /** Show the items that match the filter. */
  async function onFilter() {
    history.replaceState(history.state, "", goalUrl(name, filter));
    const wanted = String(filter);
    const next = filteredSession();
    try {
      await next.fill({ again: true });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!signal.aborted) toast(error.message);
      return;
    }
    if (signal.aborted || wanted !== String(filter)) return;
    following.abort();
    session = next;
    follow();
    show(true);
  }

  /** @param {boolean} announces */
  function show(announces) {
    const item = session.current();
    progress.update(session.counts());
    bar.update(item, session.canUndo());
    preload([...(item ? [item] : []), ...session.upcoming(PRELOADED)].flatMap(goal.urls));
    if (item === shown && item !== undefined) return;
    shown = item;
    ask(null);
    preserveFocus(stage);
    if (item === undefined) return finish();
    stage.replaceChildren(...goal.show(item, signal, choose));
    if (announces) announce(goal.announce(item));
    session.fill().catch(showError);
  }

  /** Look for more items, then say that there are none. */
  async function finish() {
    stage.replaceChildren(loading());
    try {
      await session.fill({ again: true });
    } catch (error) {
      if (!signal.aborted && session.current() === undefined) {
        stage.replaceChildren(errorNotice(error, finish, signal));
      }
      return;
    }
    if (signal.aborted || session.current() !== undefined) return;
    stage.replaceChildren(emptyNotice(goal, session));
    announce(goal.empty);
  }

  /** @param {unknown} error */
  function showError(error) {
    if (!(error instanceof ApiError)) throw error;
    // The items at hand remain; the next decision tries again.
  }

  /** @param {Action<any>} action */
  function run(action) {
    const item = session.current();
    if (item && isWritable() && action.isPossible(item)) decide(action.propose(item));
  }

  /** @param {string} key */
  function choose(key) {
    const item = session.current();
    if (!item || !isWritable()) return false;
    const proposal = goal.choose(item, key);
    if (proposal) decide(proposal);
    return proposal !== null;
  }

  /** @param {Proposal} proposal */
  function decide(proposal) {
    if (proposal.question === null) session.advance(proposal.send());
    else ask(proposal);
  }

  /** @param {Proposal | null} proposal */
  function ask(proposal) {
    asked = proposal;
    bar.ask(proposal?.question ?? null);
  }

  function confirm() {
    if (asked) session.advance(asked.send());
  }

  function skip() {
    if (session.current()) session.advance(null);
  }

  function undo() {
    session.undo();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const key = shortcutOf(event);
    const isOnControl =
      event.target instanceof Element && event.target.closest("a, button, summary, input");
    // A key that is held down must not decide about several images.
    if (!key || event.repeat || (key === "Enter" && isOnControl)) return;
    if (onShortcut(key.length === 1 ? key.toLowerCase() : key)) event.preventDefault();
  }

  /** @param {string} key @returns {boolean} whether the key has a meaning */
  function onShortcut(key) {
    const action = goal.actions.find(
      (each) => each.key === key || (each.isMain && key === "Enter"),
    );
    if (action) run(action);
    else if (key === ACTION_KEYS.skip) skip();
    else if (key === ACTION_KEYS.undo) undo();
    else if (asked && key === ACTION_KEYS.confirm) confirm();
    else if (asked && key === "Escape") ask(null);
    else return choose(key);
    return true;
  }

  /** @param {Event} event */
  function onRefusal(event) {
    const { item, error, isGone } = /** @type {CustomEvent} */ (event).detail;
    const text = isGone
      ? `${goal.nameOf(item)} was decided or deleted meanwhile.`
      : `${goal.nameOf(item)}: ${item.note ?? messageOf(error)}`;
    const message = element(
      "p",
      { class: "read-only", role: "alert" },
      text,
      " ",
      element("button", { type: "button", click: () => message.remove() }, "Close"),
    );
    messages.append(message);
  }
}

/** @param {Goal<any>} goal @param {import("./session.js").Session<any>} session */
function emptyNotice(goal, session) {
  const { skipped } = session.counts();
  return element(
    "div",
    { class: "empty" },
    element("h2", {}, skipped > 0 ? `Only skipped ${goal.noun}s are left` : "Nothing is left"),
    element("p", {}, goal.empty),
    element(
      "p",
      { class: "buttons" },
      skipped > 0 &&
        element(
          "button",
          { type: "button", click: session.showSkipped },
          `Show the ${number(skipped)} skipped`,
        ),
      element("a", { href: "#/history" }, "History of the collection"),
      element("a", { href: "#/map" }, "Map"),
    ),
  );
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof ApiError ? error.message : "The decision could not be saved.";
}
