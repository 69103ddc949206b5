/** Controls of a filter, with the number of images for each value. */

import { allClasses, classSymbol } from "../core/classes.js";
import { ApiError } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { chips } from "./chips.js";
import { loadFacets } from "./facets.js";
import { setValue, toggleValue } from "./image-filter.js";
import { typicalityRange } from "./typicality-range.js";

/**
 * @typedef {import("./image-filter.js").FilterName} FilterName
 * @typedef {import("./facets.js").Facets} Facets
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

/** Conditions that are always shown. */
const FIRST_NAMES = ["selection", "label", "split", "wrong", "uncertain", "labelled", "learned"];

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
    ...control(["selection"], () => savedSelection(filter, changed)),
    ...control(["label"], () =>
      values(filter, "label", "Classes (none selected: all)", changed, allClasses()),
    ),
    ...control(["split"], () => splitChoice(filter, changed)),
    ...control(["wrong"], () => flag(filter, "wrong", "true", "Only errors", changed)),
    ...control(["uncertain"], () => flag(filter, "uncertain", "true", "Only uncertain", changed)),
    ...control(["labelled"], () =>
      flag(filter, "labelled", "false", "Only without label", changed),
    ),
    ...control(["learned"], () =>
      flag(filter, "learned", "false", "Only new to the model", changed),
    ),
  ];
  const others = [
    ...control(["predicted"], () =>
      values(filter, "predicted", "Prediction", changed, allClasses()),
    ),
    ...control(["tag"], () => values(filter, "tag", "Tags", changed)),
    ...control(["not_tag"], () => values(filter, "not_tag", "Without the tags", changed)),
    ...control(["camera"], () => values(filter, "camera", "Camera", changed)),
    ...control(["photographer"], () => values(filter, "photographer", "Photographer", changed)),
    ...control(["taken_from"], () => dates(filter, changed)),
    ...control(["typicality_min"], () => typicality(filter, changed)),
  ];
  const more = element(
    "details",
    { class: "more-filters" },
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
  more.open = [...filter.keys()].some((name) => others.length > 0 && !FIRST_NAMES.includes(name));
  refresh();
  update();

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
    /** Remove all conditions. */
    clear: clearAll,
  };
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
 * @param {"wrong" | "uncertain" | "labelled" | "learned"} name
 * @param {"true" | "false"} value
 * @param {string} text
 * @param {() => void} changed
 * @returns {Control}
 */
function flag(filter, name, value, text, changed) {
  const input = element("input", {
    type: "checkbox",
    change: () => {
      setValue(filter, name, input.checked ? value : "");
      changed();
    },
  });
  const count = element("span", {});
  const label = element("label", { class: "check" }, input, element("span", {}, text, count));
  label.hidden = name !== "wrong";
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

/** @param {URLSearchParams} filter @param {() => void} changed @returns {Control} */
function savedSelection(filter, changed) {
  const name = element("strong", {});
  const note = element(
    "p",
    { class: "saved-selection" },
    "Selection ",
    name,
    " ",
    element(
      "button",
      {
        type: "button",
        click: () => {
          filter.delete("selection");
          changed();
        },
      },
      "Show all images",
    ),
  );
  return {
    element: note,
    refresh() {
      name.textContent = `“${filter.get("selection")}”`;
      note.hidden = !filter.has("selection");
    },
    update() {},
  };
}
