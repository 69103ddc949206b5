/** Tables of figures. */

import { element } from "../core/dom.js";

/**
 * A table whose first column names the rows. It scrolls by itself where it is too wide.
 *
 * @param {string} title
 * @param {string[]} columns
 * @param {string[][]} rows
 */
export function figureTable(title, columns, rows) {
  return scrolling(
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
 * A place in which a wide table scrolls, with the keyboard, too.
 *
 * @param {string} name
 * @param {HTMLElement} table
 */
export function scrolling(name, table) {
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
