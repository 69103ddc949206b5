/**
 * Views of the review: doubtful labels, images without a label, duplicates. One item is shown at a
 * time; a decision shows the next item at once, and is sent in the background.
 */

import { ApiError } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { isWritable, readOnlyNote } from "../core/permission.js";
import { shortcutOf } from "../core/shortcuts.js";
import { announce, errorNotice, loading, preserveFocus } from "../core/status.js";
import { actionBar } from "./action-bar.js";
import { ACTION_KEYS } from "./class-keys.js";
import { duplicatesGoal } from "./duplicates-goal.js";
import { labellingGoal, reviewGoal } from "./label-goals.js";
import { outboxEvents, outboxState } from "./outbox.js";
import { outboxNote } from "./outbox-note.js";
import { preload } from "./preloading.js";
import { createSession } from "./session.js";

const PRELOADED = 4;

/**
 * @template Item
 * @typedef {object} Action
 * @property {string} key
 * @property {boolean} [isMain] whether Enter has the same effect
 * @property {(item: Item) => string} name
 * @property {(item: Item) => boolean} isPossible
 * @property {(item: Item) => import("./outbox.js").Decision} run
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
 * @property {(item: Item, key: string) => import("./outbox.js").Decision | null} choose returns
 *   null if the key has no meaning
 */

/** @type {[string, string, Goal<any>][]} */
const GOALS = [
  ["review", "#/review", reviewGoal],
  ["label", "#/review?goal=label", labellingGoal],
  ["duplicates", "#/duplicates", duplicatesGoal],
];

/** Sessions of this page by goal and filters. @type {Map<string, import("./session.js").Session<any>>} */
const sessions = new Map();

// Another release has other reasons.
addEventListener("release", () => sessions.clear());

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
async function showGoal(host, { query, signal }, name) {
  const goal = goalOf(name);
  query.delete("goal");
  const filters = String(query);
  const session = sessionOf(name, goal, filters);
  await session.fill({ again: true });
  if (signal.aborted) return;
  /** Item on the stage. @type {unknown} */
  let shown;
  const stage = element("article", { class: "image-view review-item", tabindex: -1 });
  const messages = element("div", { class: "messages" });
  const progress = progressLine(goal.noun);
  const bar = actionBar(goal, { run, choose, skip, undo });
  host.replaceChildren(
    element("div", { class: "review-head" }, element("h1", {}, goal.title), goalLinks(name)),
    filters ? filterNote(filters, name) : "",
    readOnlyNote() ?? "",
    outboxNote(signal),
    messages,
    progress.element,
    bar.element,
    stage,
    element("p", { class: "secondary" }, goal.lead),
  );
  session.events.addEventListener("change", () => show(true), { signal });
  session.events.addEventListener("refused", onRefusal, { signal });
  outboxEvents.addEventListener("change", () => progress.update(session.counts()), { signal });
  addEventListener("keydown", onKey, { signal });
  show(false);
  return session.current() ? goal.announce(session.current()) : undefined;

  /** @param {boolean} announces */
  function show(announces) {
    const item = session.current();
    progress.update(session.counts());
    bar.update(item, session.canUndo());
    preload([...(item ? [item] : []), ...session.upcoming(PRELOADED)].flatMap(goal.urls));
    if (item === shown && item !== undefined) return;
    shown = item;
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
    if (item && isWritable() && action.isPossible(item)) session.advance(action.run(item));
  }

  /** @param {string} key */
  function choose(key) {
    const item = session.current();
    if (!item || !isWritable()) return false;
    const decision = goal.choose(item, key) ?? null;
    if (decision) session.advance(decision);
    return decision !== null;
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

/** @param {string} name */
function goalOf(name) {
  for (const [known, , goal] of GOALS) if (known === name) return goal;
  throw new ApiError("not found", "The goals are `review`, `label` and `duplicates`.");
}

/** @param {string} name @param {Goal<any>} goal @param {string} filters */
function sessionOf(name, goal, filters) {
  const key = `${name}?${filters}`;
  const session = sessions.get(key) ?? createSession(goal.source(filters));
  sessions.set(key, session);
  return session;
}

/** @param {string} current name of the goal */
function goalLinks(current) {
  return element(
    "ul",
    { class: "kinds", "aria-label": "Goals" },
    ...GOALS.map(([name, href, { title }]) =>
      element(
        "li",
        {},
        element("a", { href, "aria-current": name === current ? "true" : null }, title),
      ),
    ),
  );
}

/** @param {string} filters @param {string} name of the goal */
function filterNote(filters, name) {
  const href = GOALS.find(([known]) => known === name)?.[1];
  const texts = [...new URLSearchParams(filters)].map(([key, value]) => `${key} ${value}`);
  return element(
    "p",
    {},
    `Only images with ${texts.join(", ")}. `,
    element("a", { href }, "Show all"),
  );
}

/** @param {string} noun */
function progressLine(noun) {
  const text = element("span", {});
  const bar = element("progress", { "aria-label": "Decided so far" });
  return {
    element: element("p", { class: "review-progress" }, bar, text),
    /** @param {{ decided: number, skipped: number, left: number }} counts */
    update({ decided, skipped, left }) {
      bar.max = Math.max(decided + left, 1);
      bar.value = decided;
      const skippedText = skipped > 0 ? `, ${number(skipped)} skipped` : "";
      const { count } = outboxState();
      const savedText = count > 0 ? ` (${number(count)} being saved)` : "";
      text.textContent =
        `${plural(left, noun)} left, ${number(decided)} decided` + savedText + skippedText;
    },
  };
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
