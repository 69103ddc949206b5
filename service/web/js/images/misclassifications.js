/** Validation images that the published model misclassifies. */

import { callApiCached } from "../core/api.js";

// A limit above any number of errors returns all of them.
const LIMIT = "10000";

/**
 * @typedef {object} Misclassification
 * @property {string} id
 * @property {string} label
 * @property {string} predicted
 * @property {Record<string, number>} probabilities
 * @property {number} true_probability
 * @property {string | null} heatmap URL; null if the release has none
 * @property {import("../core/attribution.js").Attribution | null} attribution
 */

/**
 * @param {URLSearchParams} [filter] further conditions
 * @returns {Promise<Misclassification[]>} in ascending order of the probability of the true class
 */
export async function loadMisclassifications(filter = new URLSearchParams()) {
  const query = new URLSearchParams([["limit", LIMIT], ...filter]);
  const { errors } = await callApiCached(`/errors?${query}`);
  return errors;
}
