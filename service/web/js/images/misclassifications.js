/** The validation photographs that the published network gets wrong. */

import { recall } from "../core/api.js";

// More than there are gives all.
const ALL = "/errors?limit=10000";

/**
 * @typedef {object} Misclassification
 * @property {string} id
 * @property {string} label
 * @property {string} predicted
 * @property {Record<string, number>} probabilities
 * @property {number} true_probability
 * @property {string | null} heatmap its address; null where the release has none
 * @property {import("../core/attribution.js").Attribution | null} attribution
 */

/** @returns {Promise<Misclassification[]>} the worst first */
export async function allErrors() {
  const { errors } = await recall(ALL);
  return errors;
}

/** The address of the errors of one kind. @param {string} label @param {string} predicted */
export function errorsOfKind(label, predicted) {
  return `#/errors?${new URLSearchParams({ label, predicted })}`;
}
