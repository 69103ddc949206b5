/** Filters of a search, as parameters of the address and of the call. */

import { allClasses } from "../core/classes.js";
import { element } from "../core/dom.js";

/** @typedef {[string, string]} Choice value and its name */

/** @type {Choice[]} */
const SPLITS = [
  ["train", "training"],
  ["validation", "validation"],
  ["pool", "pool"],
];

/** Filters with a few values: parameter, title, choices. @type {[string, string, Choice[]][]} */
const FLAGS = [
  [
    "wrong",
    "Prediction is",
    [
      ["true", "wrong"],
      ["false", "right"],
    ],
  ],
  [
    "uncertain",
    "Prediction set",
    [
      ["true", "empty or several classes"],
      ["false", "one class"],
    ],
  ],
  [
    "learned",
    "Model",
    [
      ["true", "learned from the image"],
      ["false", "has not learned from it"],
    ],
  ],
  [
    "labelled",
    "Label",
    [
      ["true", "present"],
      ["false", "missing"],
    ],
  ],
];

const SHARE = { type: "number", min: 0, max: 1, step: "any" };

/** Filters that are typed: parameter, title, attributes. @type {[string, string, object][]} */
const INPUTS = [
  ["typicality_min", "Typicality from", SHARE],
  ["typicality_max", "to", SHARE],
  ["taken_from", "Taken from", { type: "date" }],
  ["taken_to", "until", { type: "date" }],
  ["tag", "Tag", { type: "text" }],
  ["not_tag", "Without tag", { type: "text" }],
  ["camera", "Camera", { type: "text" }],
  ["photographer", "Photographer", { type: "text" }],
  ["selection", "Saved selection", { type: "text" }],
];

const NAMES = [...["label", "predicted", "split"], ...[...FLAGS, ...INPUTS].map(([name]) => name)];

/** Return the filters among the parameters of an address. @param {URLSearchParams} query */
export function parseFilters(query) {
  return new URLSearchParams([...query].filter(([name]) => NAMES.includes(name)));
}

/**
 * Create the controls. A filter that has several values in the address keeps them until its control
 * is changed.
 *
 * @param {URLSearchParams} filters
 * @param {(filters: URLSearchParams) => void} onChange
 */
export function filterControls(filters, onChange) {
  let current = filters;
  /** @param {Event} event */
  function change({ target }) {
    const control = /** @type {HTMLInputElement} */ (target);
    if (!control.reportValidity()) return;
    current = new URLSearchParams(current);
    current.delete(control.name);
    const value = control.value.trim();
    if (value) current.set(control.name, value);
    onChange(current);
  }
  return element(
    "form",
    {
      class: "search-filters",
      "aria-label": "Filters",
      submit: (/** @type {Event} */ event) => event.preventDefault(),
      change,
    },
    choice("label", "Class", classChoices(filters.get("label")), filters),
    choice("split", "Split", SPLITS, filters),
    element(
      "details",
      { open: isAnyChosen(filters) },
      element("summary", {}, "More filters"),
      element(
        "div",
        {},
        choice("predicted", "Predicted class", classChoices(filters.get("predicted")), filters),
        ...FLAGS.map(([name, title, choices]) => choice(name, title, choices, filters)),
        ...INPUTS.map(([name, title, attributes]) =>
          element(
            "label",
            {},
            title,
            element("input", { name, value: filters.get(name), ...attributes }),
          ),
        ),
      ),
    ),
  );
}

/** Return whether one of the filters under “More filters” is set. @param {URLSearchParams} filters */
function isAnyChosen(filters) {
  return [...filters.keys()].some((name) => !["label", "split"].includes(name));
}

/**
 * Return the classes of the model, and the chosen one if it is none of them.
 *
 * @param {string | null} chosen
 * @returns {Choice[]}
 */
function classChoices(chosen) {
  const known = allClasses();
  const others = chosen && !known.includes(chosen) ? [chosen] : [];
  return [...known, ...others].map((each) => [each, each]);
}

/**
 * @param {string} name
 * @param {string} title
 * @param {Choice[]} choices
 * @param {URLSearchParams} filters
 */
function choice(name, title, choices, filters) {
  return element(
    "label",
    {},
    title,
    element(
      "select",
      { name },
      element("option", { value: "" }, "All"),
      ...choices.map(([value, text]) =>
        element("option", { value, selected: filters.get(name) === value }, text),
      ),
    ),
  );
}
