/** How an experiment learned: its figures after each epoch. */

import { drawn, element } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { axes, chart, shareOnAxis } from "./charts.js";

/**
 * @typedef {object} Curves
 * @property {number[]} loss
 * @property {number[]} accuracy
 * @property {number[]} tuning_loss empty without a tuning part
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
      curves.tuning_loss.length > 0 &&
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
  const last = [learned, heldOut].map((values) => format(values.at(-1) ?? 0, DIGITS_SAID));
  const ofHeldOut = heldOut.length > 0 ? ` and ${last[1]} on what was held out` : "";
  const description =
    `${title} over ${plural(learned.length, "epoch")}; at last ${last[0]} on what was learned ` +
    `from${ofHeldOut}.`;
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
      picture.append(drawn("path", { class: "learned", d: line(learned) }));
      if (heldOut.length > 0) {
        picture.append(drawn("path", { class: "held-out", d: line(heldOut) }));
      }
    },
    signal,
  );
}

/** Epochs are counted. @param {number} value */
function whole(value) {
  return Number.isInteger(value) ? String(value) : "";
}
