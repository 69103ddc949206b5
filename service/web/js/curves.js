/** How an experiment learned: its figures after each epoch. */

import { axes, chart, shareOnAxis } from "./charts.js";
import { drawn, element } from "./element.js";
import { number, plural } from "./words.js";

/**
 * @typedef {object} Curves
 * @property {number[]} loss
 * @property {number[]} accuracy
 * @property {number[]} tuning_loss
 * @property {number[]} tuning_accuracy
 */

const { d3 } = globalThis;

const HEIGHT = 240;
const DIGITS_SAID = 3;

/** @param {Curves} curves @param {AbortSignal} signal */
export function learningCurves(curves, signal) {
  if (curves.loss.length === 0) {
    return element("p", { class: "quiet" }, "It was fitted in one step, so there are no curves.");
  }
  return element(
    "div",
    { class: "curves" },
    pair("Accuracy", curves.accuracy, curves.tuning_accuracy, shareOnAxis, signal),
    pair("Loss", curves.loss, curves.tuning_loss, number, signal),
    element(
      "p",
      { class: "legend" },
      element("span", { class: "line learned" }, "learned from"),
      element("span", { class: "line held-out" }, "held out for tuning"),
    ),
  );
}

/**
 * @param {string} title
 * @param {number[]} learned
 * @param {number[]} heldOut
 * @param {(value: number, digits: number) => string} format
 * @param {AbortSignal} signal
 */
function pair(title, learned, heldOut, format, signal) {
  const last = [learned.at(-1), heldOut.at(-1)].map((value) => format(value ?? 0, DIGITS_SAID));
  const description =
    `${title} over ${plural(learned.length, "epoch")}; at last ${last[0]} on what was learned ` +
    `from and ${last[1]} on what was held out.`;
  return chart(
    description,
    HEIGHT,
    (picture, area) => {
      const { left, right, top, bottom } = area;
      const x = d3
        .scaleLinear()
        .domain([1, Math.max(learned.length, 2)])
        .range([left, right]);
      const y = d3
        .scaleLinear()
        .domain(d3.extent([...learned, ...heldOut]))
        .range([bottom, top])
        .nice();
      axes(picture, area, { scale: x, title: "epoch", format: whole }, { scale: y, title, format });
      const line = d3
        .line()
        .x((/** @type {number} */ _, /** @type {number} */ index) => x(index + 1))
        .y(y);
      picture.append(
        drawn("path", { class: "learned", d: line(learned) }),
        drawn("path", { class: "held-out", d: line(heldOut) }),
      );
    },
    signal,
  );
}

/** Epochs are counted. @param {number} value */
function whole(value) {
  return Number.isInteger(value) ? String(value) : "";
}
