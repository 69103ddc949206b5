/** Filters of a view that has no room for all controls: collapsed, with the conditions that hold. */

import { element } from "../core/dom.js";
import { activeFilters } from "./active-filters.js";
import { filterPanel } from "./filter-panel.js";

/**
 * Create the controls, which change a filter in place.
 *
 * @param {URLSearchParams} filter
 * @param {import("./filter-panel.js").PanelOptions & { note?: string }} options the note explains
 *   the controls
 */
export function viewFilters(filter, options) {
  const { onChange, note } = options;
  const summary = element("summary", {}, "Filters");
  const panel = filterPanel(filter, {
    ...options,
    onChange() {
      active.refresh();
      onChange();
    },
  });
  const active = activeFilters(filter, panel.change, summary);
  return {
    element: element(
      "div",
      { class: "view-filters" },
      active.element,
      element(
        "details",
        {},
        summary,
        note ? element("div", { class: "secondary" }, note) : null,
        panel.element,
      ),
    ),
    /** Show the numbers of images again, after they changed. */
    update: panel.update,
  };
}
