/** What the network sees in a photograph, and how sure that is. */

import { classTag, lookOf, swatch } from "./classes.js";
import { element } from "./element.js";
import { enumeration, likelihood, percent } from "./words.js";

/**
 * @typedef {object} Prediction
 * @property {string} label
 * @property {Record<string, number>} probabilities
 * @property {string[]} [set]
 * @property {number} [typical]
 */

const UNLIKE = 0.05;

/**
 * @param {Prediction} prediction
 * @param {string} [truth] the class that it has, where one is known
 */
export function verdict(prediction, truth) {
  const { label, probabilities, set, typical } = prediction;
  return element(
    "section",
    { class: "verdict", "aria-labelledby": "verdict" },
    element("h2", { id: "verdict" }, "What the network sees"),
    element("p", { class: "answer" }, swatch(label), label, outcome(label, truth)),
    bars(probabilities),
    set && element("p", {}, ...ofSet(set)),
    typical !== undefined && element("p", {}, ofTypicality(typical)),
  );
}

/** @param {string} label @param {string} [truth] */
function outcome(label, truth) {
  if (truth === undefined) return null;
  if (label === truth) return element("span", { class: "right" }, "right");
  return element("span", { class: "wrong" }, "wrong, it is ", classTag(truth));
}

/**
 * Probabilities as bars, the most probable class first.
 *
 * @param {Record<string, number>} probabilities
 */
function bars(probabilities) {
  const sorted = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
  return element(
    "dl",
    { class: "bars" },
    ...sorted.map(([label, share]) =>
      element(
        "div",
        {},
        element("dt", {}, label),
        element("dd", {}, likelihood(share)),
        element("span", {
          class: `bar look-${lookOf(label).colour}`,
          style: { "--share": share },
          "aria-hidden": "true",
        }),
      ),
    ),
  );
}

/** @param {string[]} set */
function ofSet(set) {
  if (set.length === 0) {
    return [element("strong", {}, "Too unsure"), " to name classes that it could be."];
  }
  const classes = element("strong", {}, enumeration(set));
  if (set.length === 1) return ["Only ", classes, " cannot be ruled out."];
  return [classes, " cannot be ruled out."];
}

/** @param {number} typical 0–1 */
function ofTypicality(typical) {
  if (typical < UNLIKE) {
    return "It is unlike anything learned; take the answer with care.";
  }
  return `${percent(typical, 0)} of the validation photographs are less like those learned from.`;
}
