/** Comparison of all experiments, as a table that can be sorted by each column. */

import { element, inlineCode, svg } from "../core/dom.js";
import { compactNumber, duration, number, percent } from "../core/format.js";
import { experimentUrl } from "../core/urls.js";
import { scrollable } from "./tables.js";

/**
 * @typedef {object} Experiment row of the comparison; figures of a skipped experiment are null
 * @property {string} name
 * @property {string} family
 * @property {string} change
 * @property {"done" | "skipped"} status
 * @property {string | null} reason
 * @property {number} accuracy
 * @property {number | null} macro_f1
 * @property {number | null} precision_at_3
 * @property {number | null} parameters
 * @property {number | null} train_seconds
 * @property {{ latency_ms: number, images_per_second: number } | null} cost
 * @property {{ seeds: number, interval: [number, number], verdict: string | null } | null} evidence
 *
 * @typedef {object} Column
 * @property {string} title
 * @property {string} [description]
 * @property {(experiment: Experiment) => number | string | null | undefined} value sort key
 * @property {(experiment: Experiment) => import("../core/dom.js").Child} render
 * @property {boolean} [isText]
 * @property {boolean} [isWide] contains more than a number
 */

const { d3 } = globalThis;

const ACCURACY = "Accuracy";

/**
 * @param {Experiment[]} experiments
 * @param {string} published name of the published experiment
 */
export function experimentTable(experiments, published) {
  const columns = columnsFor(experiments, published);
  const body = element("tbody");
  const head = element("tr");
  let sorted = columns.find(({ title }) => title === ACCURACY) ?? columns[0];
  let isDescending = true;

  function sort() {
    const compare = isDescending ? d3.descending : d3.ascending;
    const ordered = [...experiments].sort((a, b) => {
      const [left, right] = [sorted.value(a), sorted.value(b)];
      // Missing values are last in both orders.
      return Number(left == null) - Number(right == null) || compare(left, right);
    });
    body.replaceChildren(...ordered.map((each) => row(each, columns, published)));
    head.replaceChildren(...columns.map(header));
  }

  /** @param {Column} column */
  function header(column) {
    const isSorted = column === sorted;
    const order = isSorted ? (isDescending ? "descending" : "ascending") : null;
    const select = () => {
      isDescending = isSorted ? !isDescending : !column.isText;
      sorted = column;
      sort();
      /** @type {HTMLElement} */ (head.children[columns.indexOf(column)].firstElementChild).focus();
    };
    return element(
      "th",
      { scope: "col", "aria-sort": order, class: alignment(column) },
      element("button", { type: "button", title: column.description, click: select }, column.title),
    );
  }

  sort();
  return scrollable(
    "All experiments",
    element("table", { class: "experiments" }, element("thead", {}, head), body),
  );
}

/** @param {Experiment[]} experiments @param {string} published @returns {Column[]} */
function columnsFor(experiments, published) {
  const x = d3
    .scaleLinear()
    .domain(d3.extent(experiments.flatMap((each) => each.evidence?.interval ?? [])))
    .range([4, 96])
    .nice();
  return [
    {
      title: "Experiment",
      isText: true,
      value: (each) => each.name,
      render: (each) => nameCell(each, published),
    },
    { title: "Family", isText: true, value: (each) => each.family, render: (each) => each.family },
    {
      title: ACCURACY,
      description: "On the validation split. Line: 95 % bootstrap interval over photographers",
      isWide: true,
      value: (each) => each.accuracy,
      render: (each) => accuracyCell(each, x),
    },
    numberColumn(
      "Macro F1",
      "Mean F1 score of the classes",
      (each) => each.macro_f1,
      (value) => number(value, 3),
    ),
    numberColumn(
      "P@3",
      "Precision at 3: share of the three nearest training images with the same class",
      (each) => each.precision_at_3,
      (value) => number(value, 3),
    ),
    numberColumn(
      "Parameters",
      "Number of parameters of the network",
      (each) => each.parameters,
      compactNumber,
    ),
    numberColumn(
      "ms",
      "Latency for one image, in milliseconds",
      (each) => each.cost?.latency_ms,
      (value) => number(value, 1),
    ),
    numberColumn("Training", "Training time of one run", (each) => each.train_seconds, duration),
    {
      title: "vs. first",
      description:
        "Test for a difference from the accuracy of the first experiment (5 % level, corrected)",
      isText: true,
      value: (each) => each.evidence?.verdict,
      render: (each) => each.evidence?.verdict ?? "",
    },
  ];
}

/**
 * @param {string} title
 * @param {string} description
 * @param {(experiment: Experiment) => number | null | undefined} value
 * @param {(value: number) => string} format
 * @returns {Column}
 */
function numberColumn(title, description, value, format) {
  return {
    title,
    description,
    value,
    render: (each) => {
      const figure = value(each);
      return figure == null ? "" : format(figure);
    },
  };
}

/** @param {Experiment} experiment @param {Column[]} columns @param {string} published */
function row(experiment, columns, published) {
  const [first, ...others] = columns;
  return element(
    "tr",
    { class: [experiment.status, experiment.name === published ? "published" : ""].join(" ") },
    element("th", { scope: "row" }, first.render(experiment)),
    ...others.map((column) =>
      element("td", { class: alignment(column) }, column.render(experiment)),
    ),
  );
}

/** Return the class of right-aligned columns. @param {Column} column */
function alignment({ isText, isWide }) {
  return isText || isWide ? null : "figure";
}

/** @param {Experiment} experiment @param {string} published */
function nameCell({ name, change, status, reason }, published) {
  return element(
    "div",
    {},
    element("a", { href: experimentUrl(name) }, name),
    " ",
    name === published && element("span", { class: "badge" }, "published"),
    element(
      "p",
      { class: "secondary" },
      ...inlineCode(status === "skipped" ? `Skipped: ${reason}` : change),
    ),
  );
}

/**
 * Create a cell with the accuracy and its interval, on a scale that all rows share.
 *
 * @param {Experiment} experiment
 * @param {any} x D3 scale
 */
function accuracyCell({ accuracy, evidence }, x) {
  if (accuracy == null) return "";
  if (!evidence) return percent(accuracy);
  const [low, high] = evidence.interval;
  const range = `${percent(low)} to ${percent(high)}`;
  return element(
    "div",
    { class: "interval" },
    element("strong", {}, percent(accuracy)),
    svg(
      "svg",
      { viewBox: "0 0 100 10", role: "img", "aria-label": `95 % interval ${range}` },
      svg("title", {}, range),
      svg("line", { x1: x(low), x2: x(high), y1: 5, y2: 5 }),
      svg("circle", { cx: x(accuracy), cy: 5, r: 3 }),
    ),
    element("span", { class: "secondary" }, range),
  );
}
