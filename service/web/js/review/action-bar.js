/** Buttons of the actions and classes of a review, with their keys. */

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
 *   undo: () => void }} handlers
 */
export function actionBar(goal, { run, choose, skip, undo }) {
  const main = goal.actions.map((action) => ({
    action,
    text: element("span"),
    button: element("button", {
      type: "button",
      class: action.isMain ? "primary" : null,
      click: () => run(action),
    }),
  }));
  for (const { action, text, button } of main) button.append(text, keyHint([action.key]));
  const choices = goal.choices().map(({ label, keys }) => ({
    label,
    button: button(label, keys, () => choose(keys[0])),
  }));
  const group = element(
    "div",
    { role: "group", "aria-label": "Other class", hidden: choices.length === 0 },
    ...choices.map((each) => each.button),
  );
  const skipButton = button("Skip", [ACTION_KEYS.skip], skip);
  const undoButton = button("Undo", [ACTION_KEYS.undo], undo);
  return {
    element: element(
      "section",
      { class: "actions", "aria-label": "Decision" },
      element("div", {}, ...main.map((each) => each.button), skipButton, undoButton),
      group,
    ),
    /** @param {any} item @param {boolean} canUndo */
    update(item, canUndo) {
      const isEnabled = item !== undefined && isWritable();
      for (const { action, text, button: each } of main) {
        each.disabled = !isEnabled || !action.isPossible(item);
        if (item !== undefined) text.textContent = action.name(item);
      }
      for (const { label, button: each } of choices) {
        each.disabled = !isEnabled;
        each.setAttribute("aria-pressed", String(item?.label === label));
      }
      // On a phone, the buttons scroll; disabled ones cannot be scrolled with the keyboard.
      group.tabIndex = isEnabled ? -1 : 0;
      skipButton.disabled = item === undefined;
      undoButton.disabled = !canUndo;
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
