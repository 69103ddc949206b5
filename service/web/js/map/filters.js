/** Which photographs the map shows: classes, side of the split, only errors. */

import { allClasses, swatch } from "../core/classes.js";
import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { isWrong } from "./points.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 *
 * @typedef {object} Filters
 * @property {Set<string>} labels only these classes; none stands for all
 * @property {string} split one side of the split; empty for both
 * @property {boolean} wrong only what the network gets wrong
 */

const SPLITS = [
  ["", "All"],
  ["train", "Training"],
  ["validation", "Validation"],
];

/** @param {URLSearchParams} query @returns {Filters} */
export function filtersOf(query) {
  const split = query.get("split") ?? "";
  return {
    labels: new Set(query.getAll("label").filter((label) => allClasses().includes(label))),
    split: SPLITS.some(([known]) => known === split) ? split : "",
    wrong: query.has("errors"),
  };
}

/** The address of the map with these filters. @param {Filters} filters */
export function addressWith({ labels, split, wrong }) {
  const query = new URLSearchParams([...labels].map((label) => ["label", label]));
  if (split) query.set("split", split);
  if (wrong) query.set("errors", "");
  const text = String(query);
  return text ? `#/map?${text}` : "#/map";
}

/** @param {MapPoint[]} points @param {Filters} filters */
export function fitting(points, { labels, split, wrong }) {
  return points.filter(
    (point) =>
      (labels.size === 0 || labels.has(point.label)) &&
      (!split || point.split === split) &&
      (!wrong || isWrong(point)),
  );
}

/**
 * The controls; they change the filters and then tell.
 *
 * @param {MapPoint[]} points
 * @param {Filters} filters
 * @param {() => void} changed
 */
export function filterControls(points, filters, changed) {
  return element(
    "form",
    {
      class: "filters",
      "aria-label": "What the map shows",
      submit: (/** @type {Event} */ event) => event.preventDefault(),
    },
    classButtons(points, filters, changed),
    splitChoice(filters, changed),
    element(
      "label",
      { class: "check" },
      element("input", {
        type: "checkbox",
        checked: filters.wrong,
        change: (/** @type {{ target: HTMLInputElement }} */ { target }) => {
          filters.wrong = target.checked;
          changed();
        },
      }),
      `Only errors (${number(points.filter(isWrong).length)})`,
    ),
  );
}

/** @param {MapPoint[]} points @param {Filters} filters @param {() => void} changed */
function classButtons(points, { labels }, changed) {
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
          changed();
        },
      },
      swatch(label),
      label,
      element("span", { class: "count" }, number(count)),
    );
    return button;
  });
  return element(
    "fieldset",
    { class: "classes" },
    element("legend", {}, "Only these classes"),
    ...buttons,
  );
}

/** @param {Filters} filters @param {() => void} changed */
function splitChoice(filters, changed) {
  const choices = SPLITS.map(([split, name]) =>
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
          changed();
        },
      }),
      element("span", {}, name),
    ),
  );
  return element("fieldset", { class: "choice" }, element("legend", {}, "Photographs"), ...choices);
}
