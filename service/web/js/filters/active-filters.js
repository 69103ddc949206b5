/** List of the conditions of a filter, each with a button that removes it. */

import { element } from "../core/dom.js";
import { preserveFocus } from "../core/status.js";
import { conditionText, toggleValue } from "./image-filter.js";

/** @typedef {import("./image-filter.js").FilterName} FilterName */

/**
 * Create the list; it is hidden while there are no conditions.
 *
 * @param {URLSearchParams} filter changed in place
 * @param {() => void} onChange called when the user removed a condition
 * @param {HTMLElement} next receives the focus when a button is removed
 */
export function activeFilters(filter, onChange, next) {
  const list = element("ul", { class: "active-filters", "aria-label": "Active filters" });

  function refresh() {
    preserveFocus(list, next);
    list.replaceChildren(...[...filter].map(item));
    list.hidden = filter.size === 0;
  }

  /** @param {[string, string]} condition */
  function item([name, value]) {
    const text = conditionText(name, value);
    const remove = () => {
      toggleValue(filter, /** @type {FilterName} */ (name), value);
      onChange();
    };
    return element(
      "li",
      {},
      element(
        "button",
        { type: "button", "aria-label": `Remove the filter ${text}`, click: remove },
        text,
        element("span", { "aria-hidden": "true" }, " ×"),
      ),
    );
  }

  refresh();
  return { element: list, refresh };
}
