/** Controls of a filter, with the number of images for each value. */

import { allClasses, classSymbol } from "../core/classes.js";
import { ApiError } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { chips } from "./chips.js";
import { loadFacets } from "./facets.js";
import { FLAG_TEXTS, setValue, toggleValue } from "./image-filter.js";
import { selectionChoice, selectionNote } from "./saved-selection.js";
import { typicalityRange } from "./typicality-range.js";

/**
 * @typedef {import("./image-filter.js").FilterName} FilterName
 * @typedef {import("./facets.js").Facets} Facets
 *
 * @typedef {keyof typeof FLAG_TEXTS} Flag
 *
 * @typedef {object} Control
 * @property {HTMLElement} element
 * @property {() => void} refresh shows the state of the filter
 * @property {(facets: Facets) => void} update shows numbers of images
 */

const SPLITS = [
  ["", "All"],
  ["train", "Training"],
  ["validation", "Validation"],
  ["pool", "Pool"],
];

/** Check boxes that are always shown, unless no image has the property. @type {[Flag, "true" | "false"][]} */
const FIRST_FLAGS = [
  ["wrong", "true"],
  ["uncertain", "true"],
  ["labelled", "false"],
  ["learned", "false"],
  ["reviewed", "true"],
];

/** The opposite check boxes. @type {[Flag, "true" | "false"][]} */
const OTHER_FLAGS = FIRST_FLAGS.map(([name, value]) => [name, value === "true" ? "false" : "true"]);

/**
 * @typedef {object} PanelOptions
 * @property {() => void} onChange called when the user changed the filter
 * @property {AbortSignal} signal
 * @property {FilterName[]} [without] controls that a view does not need
 * @property {URLSearchParams} [base] conditions that all images of the view meet
 */

/**
 * Create the controls of a filter, which they change in place.
 *
 * @param {URLSearchParams} filter
 * @param {PanelOptions} options
 */
export function filterPanel(filter, { onChange, signal, without = [], base }) {
  const changed = () => {
    refresh();
    onChange();
    update();
  };
  const clear = element("button", { type: "button", click: clearAll }, "Reset filters");
  /** @param {FilterName[]} names @param {() => Control} create */
  const control = (names, create) =>
    names.some((name) => without.includes(name)) ? [] : [create()];
  const first = [
    ...control(["selection"], () => selectionNote(filter, changed)),
    ...control(["label"], () =>
      values(filter, "label", "Classes (none selected: all)", changed, allClasses()),
    ),
    ...control(["split"], () => splitChoice(filter, changed)),
    ...flags(FIRST_FLAGS),
  ];
  const saved = selectionChoice(filter, changed);
  const others = [
    ...flags(OTHER_FLAGS),
    ...control(["predicted"], () =>
      values(filter, "predicted", "Prediction", changed, allClasses()),
    ),
    ...control(["tag"], () => values(filter, "tag", "Tags", changed)),
    ...control(["not_tag"], () => values(filter, "not_tag", "Without the tags", changed)),
    ...control(["camera"], () => values(filter, "camera", "Camera", changed)),
    ...control(["photographer"], () => values(filter, "photographer", "Photographer", changed)),
    ...control(["taken_from"], () => dates(filter, changed)),
    ...control(["typicality_min"], () => typicality(filter, changed)),
    ...control(["selection"], () => saved),
  ];
  const more = element(
    "details",
    { class: "more-filters", toggle: () => more.open && saved.load() },
    element("summary", {}, "More filters"),
    element("div", { class: "filters" }, ...others.map((each) => each.element)),
  );
  const form = element(
    "form",
    {
      class: "filters",
      "aria-label": "Filters",
      submit: (/** @type {Event} */ event) => event.preventDefault(),
    },
    ...first.map((each) => each.element),
    more,
    clear,
  );
  const controls = [...first, ...others];
  // A hidden condition would be a surprise.
  more.open = [...filter].some((condition) => others.length > 0 && !isAlwaysShown(condition));
  refresh();
  update();

  /** @param {[Flag, "true" | "false"][]} wanted */
  function flags(wanted) {
    return wanted.flatMap(([name, value]) =>
      control([name], () => flag(filter, name, value, changed)),
    );
  }

  function refresh() {
    for (const each of controls) each.refresh();
    clear.hidden = filter.size === 0;
  }

  /** Load the numbers of images; without them, the controls work, too. */
  async function update() {
    const wanted = String(filter);
    try {
      const facets = await loadFacets(new URLSearchParams([...(base ?? []), ...filter]));
      if (signal.aborted || String(filter) !== wanted) return;
      for (const each of controls) each.update(facets);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  function clearAll() {
    for (const name of [...filter.keys()]) filter.delete(name);
    changed();
    form.querySelector("button")?.focus();
  }

  return {
    element: form,
    /** Show the numbers of images again, after they changed. */
    update,
    /** Show a filter that was changed elsewhere, and report that. */
    change: changed,
    /** Remove all conditions. */
    clear: clearAll,
  };
}

/** @param {[string, string]} condition */
function isAlwaysShown([name, value]) {
  const isFlag = FIRST_FLAGS.some((flag) => flag[0] === name && flag[1] === value);
  return isFlag || ["selection", "label", "split"].includes(name);
}

/**
 * @param {URLSearchParams} filter
 * @param {"label" | "predicted" | "tag" | "not_tag" | "camera" | "photographer"} name
 * @param {string} legend
 * @param {() => void} changed
 * @param {string[]} [fixed]
 * @returns {Control}
 */
function values(filter, name, legend, changed, fixed) {
  const group = chips({
    id: `values-of-${name}`,
    legend,
    fixed,
    show: (value) => (fixed ? [classSymbol(value), value] : [value]),
    chosen: () => filter.getAll(name),
    toggle: (value) => {
      toggleValue(filter, name, value);
      changed();
    },
  });
  const facet = name === "not_tag" ? "tag" : name;
  return { ...group, update: (facets) => group.update(facets[facet].values) };
}

/** @param {URLSearchParams} filter @param {() => void} changed @returns {Control} */
function splitChoice(filter, changed) {
  const choices = SPLITS.map(([split, name]) => {
    const input = element("input", {
      type: "radio",
      name: "split",
      value: split,
      change: () => {
        setValue(filter, "split", split);
        changed();
      },
    });
    return { split, input, element: element("label", {}, input, element("span", {}, name)) };
  });
  const pool = choices[choices.length - 1];
  pool.element.hidden = true;
  return {
    element: element(
      "fieldset",
      { class: "choice" },
      element("legend", {}, "Split"),
      ...choices.map((each) => each.element),
    ),
    refresh() {
      const split = filter.get("split") ?? "";
      for (const each of choices) each.input.checked = each.split === split;
      if (split === "pool") pool.element.hidden = false;
    },
    update({ split }) {
      if (split.values.some(({ value }) => value === "pool")) pool.element.hidden = false;
    },
  };
}

/**
 * Create the check box of a property; it is hidden while no image has the property.
 *
 * @param {URLSearchParams} filter
 * @param {Flag} name
 * @param {"true" | "false"} value
 * @param {() => void} changed
 * @returns {Control}
 */
function flag(filter, name, value, changed) {
  const input = element("input", {
    type: "checkbox",
    change: () => {
      setValue(filter, name, input.checked ? value : "");
      changed();
    },
  });
  const count = element("span", {});
  const label = element(
    "label",
    { class: "check" },
    input,
    element("span", {}, FLAG_TEXTS[name][value], count),
  );
  label.hidden = !(name === "wrong" && value === "true");
  return {
    element: label,
    refresh() {
      input.checked = filter.get(name) === value;
      if (input.checked) label.hidden = false;
    },
    update(facets) {
      const found = facets[name][value === "true" ? "yes" : "no"];
      count.textContent = ` (${number(found)})`;
      if (found > 0) label.hidden = false;
    },
  };
}

/** @param {URLSearchParams} filter @param {() => void} changed @returns {Control} */
function dates(filter, changed) {
  const inputs = /** @type {const} */ ([
    ["taken_from", "Taken from"],
    ["taken_to", "Taken until"],
  ]).map(([name, text]) => {
    const input = element("input", {
      type: "date",
      change: () => {
        setValue(filter, name, input.value);
        changed();
      },
    });
    return { name, input, element: element("label", {}, text, input) };
  });
  const group = element(
    "fieldset",
    { class: "dates", hidden: true },
    element("legend", { class: "visually-hidden" }, "Date"),
    ...inputs.map((each) => each.element),
  );
  return {
    element: group,
    refresh() {
      for (const { name, input } of inputs) {
        input.value = filter.get(name) ?? "";
        if (input.value) group.hidden = false;
      }
    },
    update({ year }) {
      if (year.distinct > 0) group.hidden = false;
    },
  };
}

/** @param {URLSearchParams} filter @param {() => void} changed @returns {Control} */
function typicality(filter, changed) {
  const range = typicalityRange(filter, changed);
  return { ...range, update: (facets) => range.update(facets.typicality.counts) };
}
