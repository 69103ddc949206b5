/** Controls of the condition that images are in a saved selection. */

import { ApiError } from "../core/api-error.js";
import { callApi } from "../core/api.js";
import { element } from "../core/dom.js";
import { setValue } from "./image-filter.js";

const NAME = "selection";

/**
 * Create the note of the selection whose images are shown.
 *
 * @param {URLSearchParams} filter
 * @param {() => void} changed
 */
export function selectionNote(filter, changed) {
  const name = element("strong", {});
  const showAll = () => {
    filter.delete(NAME);
    changed();
  };
  const note = element(
    "p",
    { class: "saved-selection" },
    "Selection ",
    name,
    " ",
    element("button", { type: "button", click: showAll }, "Show all images"),
  );
  return {
    element: note,
    refresh() {
      name.textContent = `“${filter.get(NAME)}”`;
      note.hidden = !filter.has(NAME);
    },
    update() {},
  };
}

/**
 * Create the choice of a saved selection; it is hidden while there are none.
 *
 * @param {URLSearchParams} filter
 * @param {() => void} changed
 */
export function selectionChoice(filter, changed) {
  const choice = element("select", {
    change: () => {
      setValue(filter, NAME, choice.value);
      changed();
    },
  });
  const label = element("label", { class: "field", hidden: true }, "Saved selection", choice);
  /** @type {string[]} */
  let names = [];

  function refresh() {
    const chosen = filter.get(NAME) ?? "";
    const known = names.includes(chosen) || chosen === "" ? names : [chosen, ...names];
    choice.replaceChildren(
      element("option", { value: "" }, "All images"),
      ...known.map((value) => element("option", { value, selected: value === chosen }, value)),
    );
    label.hidden = known.length === 0;
  }

  return {
    element: label,
    refresh,
    update() {},
    /** Load the names; without them, the present choice works, too. */
    async load() {
      try {
        const { selections } = await callApi("/selections", { mayPrompt: false });
        names = selections.map((/** @type {{ name: string }} */ each) => each.name);
        refresh();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    },
  };
}
