/** The points of the map: every photograph with its place, its class and its prediction. */

import { Problem, recall } from "./service.js";

// More than there are gives all.
const ALL = "/tsne?n=100000000";

/**
 * @typedef {object} Spot in the map's coordinates
 * @property {number} x
 * @property {number} y
 *
 * @typedef {object} About
 * @property {string} id
 * @property {string} label
 * @property {string} predicted
 * @property {"train" | "validation"} split
 *
 * @typedef {Spot & About} MapPoint
 */

/**
 * All points in a random order, so that no class lies on top of another.
 *
 * @param {object} [given]
 * @param {boolean} [given.mayPrompt] whether to ask for the key where one is needed
 * @returns {Promise<MapPoint[]>}
 * @throws {Problem}
 */
export async function allPoints({ mayPrompt = true } = {}) {
  try {
    // Others may wait for the same answer who do not want people to be asked for the key.
    return (await recall(ALL, { mayPrompt: false })).points;
  } catch (error) {
    if (!mayPrompt || !(error instanceof Problem) || error.kind !== "locked") throw error;
    return (await recall(ALL)).points;
  }
}

/** Whether the network gets a photograph wrong. @param {MapPoint} point */
export function isWrong(point) {
  return point.label !== point.predicted;
}
