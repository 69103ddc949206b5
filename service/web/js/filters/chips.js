/** Group of buttons for the values of one field, each with its number of images. */

import { element } from "../core/dom.js";
import { number } from "../core/format.js";

const MAX_CHIPS = 8;

/**
 * @typedef {object} ChipOptions
 * @property {string} id of the list of suggestions
 * @property {string} legend
 * @property {(value: string) => import("../core/dom.js").Child[]} show
 * @property {() => string[]} chosen
 * @property {(value: string) => void} toggle
 * @property {string[]} [fixed] values that are always shown; by default the most frequent ones
 */

/** @param {ChipOptions} options */
export function chips({ id, legend, show, chosen, toggle, fixed }) {
  /** Buttons never move or vanish, so that the next click does not miss. @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  const host = element("div", { class: "classes" });
  const suggestions = element("datalist", { id });
  const field = element("input", {
    type: "text",
    class: "another",
    list: id,
    autocomplete: "off",
    "aria-label": `${legend}: another value`,
    placeholder: "Another …",
    change: () => {
      const value = field.value.trim();
      field.value = "";
      if (value && !chosen().includes(value)) toggle(value);
    },
  });
  const group = element("fieldset", {}, element("legend", {}, legend), host, field, suggestions);

  /** @param {Iterable<string>} values */
  function add(values) {
    for (const value of values) {
      if (buttons.has(value)) continue;
      const button = element(
        "button",
        { type: "button", click: () => toggle(value) },
        ...show(value),
        element("span", { class: "count" }),
      );
      buttons.set(value, button);
      host.append(button);
    }
    group.hidden = buttons.size === 0;
  }

  /** Show the chosen values. */
  function refresh() {
    add(chosen());
    for (const [value, button] of buttons) {
      button.setAttribute("aria-pressed", String(chosen().includes(value)));
    }
  }

  add(fixed ?? []);
  refresh();
  return {
    element: group,
    refresh,
    /** Show the numbers of images. @param {import("./facets.js").Facet["values"]} values */
    update(values) {
      const free = fixed ? values.length : Math.max(MAX_CHIPS - buttons.size, 0);
      add(values.slice(0, free).map(({ value }) => value));
      refresh();
      const counts = new Map(values.map(({ value, count }) => [value, count]));
      for (const [value, button] of buttons) {
        const shown = /** @type {HTMLElement} */ (button.querySelector(".count"));
        shown.textContent = number(counts.get(value) ?? 0);
      }
      const others = values.filter(({ value }) => !buttons.has(value));
      field.hidden = others.length === 0;
      suggestions.replaceChildren(...others.map(({ value }) => element("option", { value })));
    },
  };
}
