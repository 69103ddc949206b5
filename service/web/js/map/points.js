/** Points of the map: position, class and prediction of every image. */

import { callApiCached } from "../core/api.js";

// A limit above any number of points returns all of them.
const ALL = "/tsne?n=100000";

/**
 * @typedef {object} MapPosition in map coordinates
 * @property {number} x
 * @property {number} y
 *
 * @typedef {object} Classified
 * @property {string} id
 * @property {string | null} label
 * @property {string} predicted
 * @property {"train" | "validation" | "pool"} split
 * @property {boolean} learned whether the model learned from the image
 *
 * @typedef {MapPosition & Classified} MapPoint
 */

/**
 * Load all points in a random order, so that no class covers another.
 *
 * @param {import("../core/api.js").Options} [options]
 * @returns {Promise<MapPoint[]>}
 */
export async function loadPoints(options) {
  const { points } = await callApiCached(ALL, options);
  return points;
}

/**
 * Return the latest points, with the known object of each point that has not changed.
 *
 * @param {MapPoint[]} known
 * @param {MapPoint[]} latest
 */
export function mergePoints(known, latest) {
  const byId = new Map(known.map((point) => [point.id, point]));
  return latest.map((point) => {
    const before = byId.get(point.id);
    return before && JSON.stringify(before) === JSON.stringify(point) ? before : point;
  });
}

/** Return whether an image is misclassified. @param {MapPoint} point */
export function isMisclassified(point) {
  return point.label !== null && point.label !== point.predicted;
}

/**
 * Return whether a training image came after the training of the model.
 *
 * @param {Pick<MapPoint, "split" | "learned">} image
 */
export function isNewToModel({ split, learned }) {
  return split === "train" && !learned;
}
