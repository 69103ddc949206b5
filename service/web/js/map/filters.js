/** Filters of the map: classes, split, misclassified images. */

import { allClasses, classSymbol } from "../core/classes.js";
import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { isMisclassified } from "./points.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 *
 * @typedef {object} Filters
 * @property {Set<string>} labels empty for all classes
 * @property {string} split empty for all images
 * @property {boolean} onlyErrors
 */

const SPLITS = [
  ["", "All"],
  ["train", "Training"],
  ["validation", "Validation"],
  ["pool", "Pool"],
];

/** Parse filters from the query of the URL. @param {URLSearchParams} query @returns {Filters} */
export function parseFilters(query) {
  const split = query.get("split") ?? "";
  return {
    labels: new Set(query.getAll("label").filter((label) => allClasses().includes(label))),
    split: SPLITS.some(([known]) => known === split) ? split : "",
    onlyErrors: query.has("errors"),
  };
}

/** Return the URL of the map with filters. @param {Filters} filters */
export function filteredMapUrl({ labels, split, onlyErrors }) {
  const query = new URLSearchParams([...labels].map((label) => ["label", label]));
  if (split) query.set("split", split);
  if (onlyErrors) query.set("errors", "");
  const text = String(query);
  return text ? `#/map?${text}` : "#/map";
}

/** Return the points that match the filters. @param {MapPoint[]} points @param {Filters} filters */
export function filterPoints(points, { labels, split, onlyErrors }) {
  return points.filter(
    (point) =>
      (labels.size === 0 || (point.label !== null && labels.has(point.label))) &&
      (!split || point.split === split) &&
      (!onlyErrors || isMisclassified(point)),
  );
}

/**
 * Create the controls; they modify the filters in place.
 *
 * @param {MapPoint[]} points
 * @param {Filters} filters
 * @param {() => void} onChange
 */
export function filterControls(points, filters, onChange) {
  return element(
    "form",
    {
      class: "filters",
      "aria-label": "Filters",
      submit: (/** @type {Event} */ event) => event.preventDefault(),
    },
    classButtons(points, filters, onChange),
    splitChoice(points, filters, onChange),
    element(
      "label",
      { class: "check" },
      element("input", {
        type: "checkbox",
        checked: filters.onlyErrors,
        change: (/** @type {{ target: HTMLInputElement }} */ { target }) => {
          filters.onlyErrors = target.checked;
          onChange();
        },
      }),
      `Only errors (${number(points.filter(isMisclassified).length)})`,
    ),
  );
}

/** @param {MapPoint[]} points @param {Filters} filters @param {() => void} onChange */
function classButtons(points, { labels }, onChange) {
  const buttons = allClasses().map((label) => {
    const count = points.filter((point) => point.label === label).length;
    const button = element(
      "button",
      {
        type: "button",
        "aria-pressed": String(labels.has(label)),
        click: () => {
          if (!labels.delete(label)) labels.add(label);
          button.setAttribute("aria-pressed", String(labels.has(label)));
          onChange();
        },
      },
      classSymbol(label),
      label,
      element("span", { class: "count" }, number(count)),
    );
    return button;
  });
  return element(
    "fieldset",
    { class: "classes" },
    element("legend", {}, "Classes (none selected: all)"),
    ...buttons,
  );
}

/** @param {MapPoint[]} points @param {Filters} filters @param {() => void} onChange */
function splitChoice(points, filters, onChange) {
  const hasPool = filters.split === "pool" || points.some(({ split }) => split === "pool");
  const choices = SPLITS.filter(([split]) => hasPool || split !== "pool").map(([split, name]) =>
    element(
      "label",
      {},
      element("input", {
        type: "radio",
        name: "split",
        value: split,
        checked: filters.split === split,
        change: () => {
          filters.split = split;
          onChange();
        },
      }),
      element("span", {}, name),
    ),
  );
  return element("fieldset", { class: "choice" }, element("legend", {}, "Split"), ...choices);
}
