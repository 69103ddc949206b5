/** The comparison as a table that can be sorted by each of its columns. */

import { drawn, element, marked } from "../core/dom.js";
import { duration, number, percent, short } from "../core/format.js";
import { encoded } from "../core/urls.js";
import { scrolling } from "./tables.js";

/**
 * @typedef {object} Experiment one line of the comparison; figures are null where it was skipped
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
 * @property {string} [explained]
 * @property {(experiment: Experiment) => number | string | null | undefined} value to sort by
 * @property {(experiment: Experiment) => import("../core/dom.js").Child} shown
 * @property {boolean} [isText]
 * @property {boolean} [isWide] more than a figure
 */

const { d3 } = globalThis;

const ACCURACY = "Accuracy";

/** @param {string} name */
export function addressOfExperiment(name) {
  return `#/experiments/${encoded(name)}`;
}

/**
 * @param {Experiment[]} experiments
 * @param {string} published
 */
export function experimentTable(experiments, published) {
  const columns = columnsFor(experiments, published);
  const body = element("tbody");
  const head = element("tr");
  let sorted = columns.find(({ title }) => title === ACCURACY) ?? columns[0];
  let isDescending = true;

  function sort() {
    const direction = isDescending ? d3.descending : d3.ascending;
    const ordered = [...experiments].sort((a, b) => {
      const [left, right] = [sorted.value(a), sorted.value(b)];
      // What was not measured stays below, whichever way the others are turned.
      return Number(left == null) - Number(right == null) || direction(left, right);
    });
    body.replaceChildren(...ordered.map((each) => line(each, columns, published)));
    head.replaceChildren(...columns.map(heading));
  }

  /** @param {Column} column */
  function heading(column) {
    const isSorted = column === sorted;
    const state = isSorted ? (isDescending ? "descending" : "ascending") : null;
    const choose = () => {
      isDescending = isSorted ? !isDescending : !column.isText;
      sorted = column;
      sort();
      /** @type {HTMLElement} */ (head.children[columns.indexOf(column)].firstElementChild).focus();
    };
    return element(
      "th",
      { scope: "col", "aria-sort": state, class: alignment(column) },
      element("button", { type: "button", title: column.explained, click: choose }, column.title),
    );
  }

  sort();
  return scrolling(
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
      shown: (each) => named(each, published),
    },
    { title: "Family", isText: true, value: (each) => each.family, shown: (each) => each.family },
    {
      title: ACCURACY,
      explained:
        "Share of validation photographs; the line is its 95 % interval, drawn by photographer",
      isWide: true,
      value: (each) => each.accuracy,
      shown: (each) => accuracy(each, x),
    },
    figure(
      "Macro F1",
      "Mean F1 over the classes",
      (each) => each.macro_f1,
      (value) => number(value, 3),
    ),
    figure(
      "P@3",
      "Share of the three nearest training photographs that are of the same class",
      (each) => each.precision_at_3,
      (value) => number(value, 3),
    ),
    figure("Weights", "Weights of the network", (each) => each.parameters, short),
    figure(
      "ms",
      "Milliseconds for one photograph",
      (each) => each.cost?.latency_ms,
      (value) => number(value, 1),
    ),
    figure("Training", "Time to train it once", (each) => each.train_seconds, duration),
    {
      title: "Against the first",
      explained:
        "Whether its errors differ from those of the first by more than chance (5 %, corrected)",
      isText: true,
      value: (each) => each.evidence?.verdict,
      shown: (each) => each.evidence?.verdict ?? "",
    },
  ];
}

/**
 * @param {string} title
 * @param {string} explained
 * @param {(experiment: Experiment) => number | null | undefined} value
 * @param {(value: number) => string} format
 * @returns {Column}
 */
function figure(title, explained, value, format) {
  return {
    title,
    explained,
    value,
    shown: (each) => {
      const found = value(each);
      return found == null ? "" : format(found);
    },
  };
}

/** @param {Experiment} experiment @param {Column[]} columns @param {string} published */
function line(experiment, columns, published) {
  const [first, ...others] = columns;
  return element(
    "tr",
    { class: [experiment.status, experiment.name === published ? "published" : ""].join(" ") },
    element("th", { scope: "row" }, first.shown(experiment)),
    ...others.map((column) =>
      element("td", { class: alignment(column) }, column.shown(experiment)),
    ),
  );
}

/** Figures stand to the right. @param {Column} column */
function alignment({ isText, isWide }) {
  return isText || isWide ? null : "figure";
}

/** @param {Experiment} experiment @param {string} published */
function named({ name, change, status, reason }, published) {
  return element(
    "div",
    {},
    element("a", { href: addressOfExperiment(name) }, name),
    " ",
    name === published && element("span", { class: "badge" }, "published"),
    element(
      "p",
      { class: "quiet" },
      ...marked(status === "skipped" ? `Skipped: ${reason}` : change),
    ),
  );
}

/**
 * The accuracy and its interval, on the same axis in every line.
 *
 * @param {Experiment} experiment
 * @param {any} x
 */
function accuracy({ accuracy: share, evidence }, x) {
  if (share == null) return "";
  if (!evidence) return percent(share);
  const [low, high] = evidence.interval;
  const said = `${percent(low)} to ${percent(high)}`;
  return element(
    "div",
    { class: "interval" },
    element("strong", {}, percent(share)),
    drawn(
      "svg",
      { viewBox: "0 0 100 10", role: "img", "aria-label": `95 % interval ${said}` },
      drawn("title", {}, said),
      drawn("line", { x1: x(low), x2: x(high), y1: 5, y2: 5 }),
      drawn("circle", { cx: x(share), cy: 5, r: 3 }),
    ),
    element("span", { class: "quiet" }, said),
  );
}
