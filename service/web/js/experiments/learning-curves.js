/** Learning curves: loss and accuracy after each epoch. */

import { element, svg } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { chart, drawAxes, percentTick } from "./charts.js";

/**
 * @typedef {object} Curves
 * @property {number[]} loss
 * @property {number[]} accuracy
 * @property {number[]} tuning_loss empty without tuning images
 * @property {number[]} tuning_accuracy
 */

const { d3 } = globalThis;

const HEIGHT = 240;
const DESCRIPTION_DIGITS = 3;

/** @param {Curves} curves @param {AbortSignal} signal */
export function learningCurves(curves, signal) {
  if (curves.loss.length === 0) {
    return element(
      "p",
      { class: "secondary" },
      "This model was fitted in one step, so it has no learning curves.",
    );
  }
  return element(
    "div",
    { class: "curves" },
    curveChart("Accuracy", curves.accuracy, curves.tuning_accuracy, percentTick, signal),
    curveChart("Loss", curves.loss, curves.tuning_loss, number, signal),
    element(
      "p",
      { class: "legend" },
      element("span", { class: "line training" }, "training"),
      curves.tuning_loss.length > 0 && element("span", { class: "line tuning" }, "tuning"),
    ),
  );
}

/**
 * @param {string} title
 * @param {number[]} training
 * @param {number[]} tuning
 * @param {(value: number, digits: number) => string} format
 * @param {AbortSignal} signal
 */
function curveChart(title, training, tuning, format, signal) {
  const last = [training, tuning].map((values) => format(values.at(-1) ?? 0, DESCRIPTION_DIGITS));
  const tuningText = tuning.length > 0 ? `, tuning ${last[1]}` : "";
  const description =
    `${title} over ${plural(training.length, "epoch")}. ` +
    `Final values: training ${last[0]}${tuningText}.`;
  return chart(
    description,
    HEIGHT,
    (root, area) => {
      const { left, right, top, bottom } = area;
      const x = d3
        .scaleLinear()
        .domain([1, Math.max(training.length, 2)])
        .range([left, right]);
      const y = d3
        .scaleLinear()
        .domain(d3.extent([...training, ...tuning]))
        .range([bottom, top])
        .nice();
      drawAxes(
        root,
        area,
        { scale: x, title: "epoch", format: integerTick },
        { scale: y, title, format },
      );
      const line = d3
        .line()
        .x((/** @type {number} */ _, /** @type {number} */ index) => x(index + 1))
        .y(y);
      root.append(svg("path", { class: "training", d: line(training) }));
      if (tuning.length > 0) {
        root.append(svg("path", { class: "tuning", d: line(tuning) }));
      }
    },
    signal,
  );
}

/** Format a tick, but omit fractions of an epoch. @param {number} value */
function integerTick(value) {
  return Number.isInteger(value) ? String(value) : "";
}
