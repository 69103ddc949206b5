/** The points of the map: every photograph with its place, its class and its prediction. */

import { recall } from "../core/api.js";

// More than there are gives all.
const ALL = "/tsne?n=100000";

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
 * @param {import("../core/api.js").Options} [options]
 * @returns {Promise<MapPoint[]>}
 */
export async function allPoints(options) {
  const { points } = await recall(ALL, options);
  return points;
}

/** Whether the network gets a photograph wrong. @param {MapPoint} point */
export function isWrong(point) {
  return point.label !== point.predicted;
}
