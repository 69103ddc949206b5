/** Tables of figures. */

import { element } from "../core/dom.js";

/**
 * Create a table; its first column contains the row headers.
 *
 * @param {string} title
 * @param {string[]} columns
 * @param {string[][]} rows
 */
export function figureTable(title, columns, rows) {
  return scrollable(
    title,
    element(
      "table",
      { class: "plain" },
      element("caption", {}, title),
      element("thead", {}, element("tr", {}, ...columns.map(columnHeader))),
      element(
        "tbody",
        {},
        ...rows.map(([name, ...figures]) =>
          element("tr", {}, rowHeader(name), ...figures.map((each) => element("td", {}, each))),
        ),
      ),
    ),
  );
}

/**
 * Wrap a wide table in a region that scrolls, also with the keyboard.
 *
 * @param {string} name
 * @param {HTMLElement} table
 */
export function scrollable(name, table) {
  return element(
    "div",
    { class: "scroll", role: "region", tabindex: 0, "aria-label": name },
    table,
  );
}

/** @param {string} name */
export function columnHeader(name) {
  return element("th", { scope: "col" }, name);
}

/** @param {string} name */
export function rowHeader(name) {
  return element("th", { scope: "row" }, name);
}
