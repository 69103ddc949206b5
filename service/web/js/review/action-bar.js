/** Buttons of the actions and classes of a review, with their keys; questions. */

import { element } from "../core/dom.js";
import { isWritable } from "../core/permission.js";
import { ACTION_KEYS } from "./class-keys.js";

/**
 * @typedef {import("./review-view.js").Goal<any>} Goal
 * @typedef {import("./review-view.js").Action<any>} Action
 */

/**
 * Create the buttons, which stay in their place when the next item is shown.
 *
 * @param {Goal} goal
 * @param {{ run: (action: Action) => void, choose: (key: string) => void, skip: () => void,
 *   undo: () => void, confirm: () => void, cancel: () => void }} handlers
 */
export function actionBar(goal, { run, choose, skip, undo, confirm, cancel }) {
  const actions = goal.actions.map((action) => {
    const text = element("span");
    const attributes = { class: action.isMain && "primary", click: () => run(action) };
    const each = element("button", { type: "button", ...attributes }, text, keyHint([action.key]));
    return { action, text, button: each };
  });
  const choices = goal.choices().map(({ label, keys }) => ({
    label,
    button: button(label, keys, () => choose(keys[0])),
  }));
  const skipButton = button("Skip", [ACTION_KEYS.skip], skip);
  const undoButton = button("Undo", [ACTION_KEYS.undo], undo);
  /** @param {boolean} areSecondary */
  const buttonsOf = (areSecondary) =>
    actions.flatMap(({ action, button: each }) =>
      Boolean(action.isSecondary) === areSecondary ? [each] : [],
    );
  const main = element("div", {}, ...buttonsOf(false), skipButton, undoButton);
  const others = element(
    "div",
    { role: "group", "aria-label": "Other decisions" },
    ...choices.map((each) => each.button),
    ...buttonsOf(true),
  );
  const text = element("span", { role: "alert" });
  const cancelButton = button("Cancel", ["Esc"], cancel);
  const question = element(
    "div",
    { hidden: true },
    text,
    button("Delete", [ACTION_KEYS.confirm], confirm),
    cancelButton,
  );
  const label = { class: "actions", "aria-label": "Decision" };
  const bar = element("section", label, question, main, others);
  return {
    element: bar,
    /** @param {any} item @param {boolean} canUndo */
    update(item, canUndo) {
      const isEnabled = item !== undefined && isWritable();
      for (const { action, text: name, button: each } of actions) {
        each.disabled = !isEnabled || !action.isPossible(item);
        if (item !== undefined) name.textContent = action.name(item);
      }
      for (const { label, button: each } of choices) {
        each.disabled = !isEnabled;
        each.setAttribute("aria-pressed", String(item?.label === label));
      }
      // On a phone, the buttons scroll; disabled ones cannot be scrolled with the keyboard.
      others.tabIndex = isEnabled ? -1 : 0;
      skipButton.disabled = item === undefined;
      undoButton.disabled = !canUndo;
    },
    /** Ask a question instead of the decision; null to end it. @param {string | null} asked */
    ask(asked) {
      if ((asked === null) === question.hidden) {
        text.textContent = asked ?? "";
        return;
      }
      const isFocused = bar.contains(document.activeElement);
      text.textContent = asked ?? "";
      question.hidden = asked === null;
      main.hidden = others.hidden = asked !== null;
      // Enter must not confirm the deletion that it proposed.
      if (isFocused) (asked === null ? skipButton : cancelButton).focus();
    },
  };
}

/** @param {string} text @param {string[]} keys @param {() => void} click */
function button(text, keys, click) {
  return element("button", { type: "button", click }, text, keyHint(keys));
}

/** @param {string[]} keys */
function keyHint(keys) {
  return element("kbd", {}, keys.join(" "));
}
