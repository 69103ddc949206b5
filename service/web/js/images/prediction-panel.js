/** What the network sees in a photograph, and how sure that is. */

import { recall } from "../core/api.js";
import { classTag, lookOf, swatch } from "../core/classes.js";
import { element } from "../core/dom.js";
import { enumeration, likelihood, number, percent } from "../core/format.js";

/**
 * @typedef {object} Prediction
 * @property {string} label
 * @property {Record<string, number>} probabilities
 * @property {string[]} set
 * @property {number} typicality
 *
 * @typedef {object} Trust
 * @property {{ after: { error: number } }} calibration
 * @property {{ level: number }} sets
 */

const UNLIKE = 0.05;

/** How far answers can be trusted. @returns {Promise<Trust>} */
export function trust() {
  return recall("/calibration");
}

/**
 * @param {Prediction} prediction
 * @param {Trust} trusted
 * @param {Pick<import("../core/image-cache.js").ImageRecord, "label" | "split">} [stored] what is known of
 *   it, where it is no new one
 */
export function verdict(prediction, trusted, stored) {
  const { label, probabilities, set, typicality } = prediction;
  return element(
    "section",
    { class: "verdict", "aria-labelledby": "verdict" },
    element("h2", { id: "verdict" }, "What the network sees"),
    element("p", { class: "answer" }, swatch(label), label, outcome(label, stored?.label)),
    bars(probabilities),
    ...(stored?.split === "train" ? ofWhatIsKnown() : ofWhatIsNew(set, trusted)),
    element("p", {}, ofTypicality(typicality)),
  );
}

/** How far answers can be trusted was measured on photographs that were new to the network. */
function ofWhatIsKnown() {
  return [
    element(
      "p",
      { class: "quiet" },
      "It belongs to the training part, so this says little about how sure the network is of others.",
    ),
  ];
}

/** @param {string[]} set @param {Trust} trusted */
function ofWhatIsNew(set, { calibration, sets }) {
  const points = number(calibration.after.error * 100, 1);
  return [
    element(
      "p",
      { class: "quiet" },
      `Calibrated: on average, such probabilities are off by ${points} points.`,
    ),
    element("p", {}, ...ofSet(set, sets.level)),
  ];
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

/** @param {string[]} set @param {number} level share of sets that hold the true class, 0–1 */
function ofSet(set, level) {
  if (set.length === 0) {
    return [element("strong", {}, "Too unsure"), " to name the classes that it could be."];
  }
  return [
    "Cannot be ruled out: ",
    element("strong", {}, enumeration(set)),
    `. Such sets hold the true class in ${percent(level, 0)} of cases.`,
  ];
}

/** @param {number} typicality 0–1 */
function ofTypicality(typicality) {
  if (typicality < UNLIKE) {
    return "It is unlike anything learned; take the answer with care.";
  }
  return `Nearer to what was learned than ${percent(typicality, 0)} of the validation photographs.`;
}
