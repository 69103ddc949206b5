/** Panel with the prediction for an image and its uncertainty. */

import { callApiCached } from "../core/api.js";
import { classStyle, classSymbol, classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { joinWords, number, percent, probability } from "../core/format.js";

/**
 * @typedef {object} Prediction
 * @property {string} label
 * @property {Record<string, number>} probabilities
 * @property {string[]} set
 * @property {number} typicality
 *
 * @typedef {object} Calibration
 * @property {{ after: { error: number } }} calibration
 * @property {{ level: number }} sets
 */

const LOW_TYPICALITY = 0.05;

/** Load the uncertainty figures of the published model. @returns {Promise<Calibration>} */
export function loadCalibration() {
  return callApiCached("/calibration");
}

/**
 * @param {Prediction} prediction
 * @param {Calibration} calibration
 * @param {Pick<import("../core/image-cache.js").ImageMetadata, "label" | "learned">} [stored]
 *   stored image; omitted for uploads
 */
export function predictionPanel(prediction, calibration, stored) {
  const { label, probabilities, set, typicality } = prediction;
  return element(
    "section",
    { class: "prediction", "aria-labelledby": "prediction" },
    element("h2", { id: "prediction" }, "Prediction"),
    element("p", { class: "label" }, classSymbol(label), label, correctness(label, stored?.label)),
    probabilityBars(probabilities),
    ...(stored?.learned ? [trainingNote()] : uncertaintyNotes(set, calibration)),
    element("p", {}, typicalityText(typicality)),
  );
}

/**
 * Create the note for learned images: calibration was measured on images that are new to the
 * model.
 */
function trainingNote() {
  return element(
    "p",
    { class: "secondary" },
    "The model learned from this image: its prediction does not show how reliable the model is " +
      "for new images.",
  );
}

/** @param {string[]} set @param {Calibration} figures */
function uncertaintyNotes(set, { calibration, sets }) {
  const points = number(calibration.after.error * 100, 1);
  return [
    element(
      "p",
      { class: "secondary" },
      `Calibrated: the mean error of these probabilities is ${points} percentage points.`,
    ),
    element("p", {}, ...predictionSetText(set, sets.level)),
  ];
}

/** @param {string} label @param {string | null} [truth] */
function correctness(label, truth) {
  if (truth === undefined || truth === null) return null;
  if (label === truth) return element("span", { class: "correct" }, "correct");
  return element("span", { class: "incorrect" }, "incorrect, labelled ", classTag(truth));
}

/**
 * Create a bar for each class, in descending order of probability.
 *
 * @param {Record<string, number>} probabilities
 */
function probabilityBars(probabilities) {
  const sorted = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
  return element(
    "dl",
    { class: "bars" },
    ...sorted.map(([label, share]) =>
      element(
        "div",
        {},
        element("dt", {}, label),
        element("dd", {}, probability(share)),
        element("span", {
          class: `bar class-${classStyle(label).colour}`,
          style: { "--share": share },
          "aria-hidden": "true",
        }),
      ),
    ),
  );
}

/** @param {string[]} set @param {number} level share of sets that contain the true class, 0–1 */
function predictionSetText(set, level) {
  if (set.length === 0) {
    return [
      "Prediction set: ",
      element("strong", {}, "empty"),
      ". No class is as probable as for most images of that class.",
    ];
  }
  return [
    "Prediction set: ",
    element("strong", {}, joinWords(set)),
    `. Such sets contain the true class in ${percent(level, 0)} of cases.`,
  ];
}

/** @param {number} typicality 0–1 */
function typicalityText(typicality) {
  if (typicality < LOW_TYPICALITY) {
    return "Unlike the training images: the prediction may be unreliable.";
  }
  return `Closer to the training images than ${percent(typicality, 0)} of the validation images.`;
}
