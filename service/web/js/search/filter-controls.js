/** Filters of a search, as parameters of the address and of the call. */

import { allClasses } from "../core/classes.js";
import { element } from "../core/dom.js";

const SPLITS = [
  ["train", "training"],
  ["validation", "validation"],
  ["pool", "pool"],
];

/** Return the filters among the parameters of an address. @param {URLSearchParams} query */
export function parseFilters(query) {
  const found = new URLSearchParams();
  const [label, split] = [query.get("label"), query.get("split")];
  if (label) found.set("label", label);
  if (SPLITS.some(([known]) => known === split)) found.set("split", split ?? "");
  return found;
}

/**
 * Create the controls.
 *
 * @param {URLSearchParams} filters
 * @param {(filters: URLSearchParams) => void} onChange
 */
export function filterControls(filters, onChange) {
  const form = element(
    "form",
    {
      class: "search-filters",
      "aria-label": "Filters",
      submit: (/** @type {Event} */ event) => event.preventDefault(),
      change: () => onChange(chosen(form)),
    },
    choice("label", "Class", [...labelChoices(filters)], filters),
    choice("split", "Split", SPLITS, filters),
  );
  return form;
}

/** Return the classes, and the label of the filter if it is none of them. */
function labelChoices(/** @type {URLSearchParams} */ filters) {
  const label = filters.get("label");
  const known = allClasses();
  const others = label && !known.includes(label) ? [label] : [];
  return [...known, ...others].map((each) => [each, each]);
}

/**
 * @param {string} name
 * @param {string} title
 * @param {string[][]} choices values and their names
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

/** @param {HTMLFormElement} form */
function chosen(form) {
  const entries = [...new FormData(form)].filter(([, value]) => value !== "");
  return new URLSearchParams(/** @type {string[][]} */ (entries));
}
