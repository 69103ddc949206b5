/** Points of the map that match a filter. */

import { loadIds } from "../filters/facets.js";
import { splitFilter } from "../filters/image-filter.js";
import { isMisclassified } from "./points.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("../filters/image-filter.js").FilterName} FilterName
 */

/** Conditions that the points themselves can be checked for. @type {FilterName[]} */
const OWN = ["label", "predicted", "split", "wrong", "learned", "labelled"];

/**
 * Return the points that match; conditions that are not known of points are asked of the service.
 *
 * @param {MapPoint[]} points
 * @param {URLSearchParams} filter
 * @returns {Promise<MapPoint[]> | MapPoint[]} at once if the points suffice
 */
export function matchingPoints(points, filter) {
  const { own, others } = splitFilter(filter, OWN);
  const matching = filterPoints(points, own);
  if (others.size === 0) return matching;
  return loadIds(others).then((ids) => matching.filter(({ id }) => ids.has(id)));
}

/** @param {MapPoint[]} points @param {URLSearchParams} filter */
function filterPoints(points, filter) {
  const labels = new Set(filter.getAll("label"));
  const predicted = new Set(filter.getAll("predicted"));
  const splits = new Set(filter.getAll("split"));
  const [wrong, learned, labelled] = ["wrong", "learned", "labelled"].map((name) =>
    filter.get(name),
  );
  return points.filter(
    (point) =>
      (labels.size === 0 || (point.label !== null && labels.has(point.label))) &&
      (predicted.size === 0 || predicted.has(point.predicted)) &&
      (splits.size === 0 || splits.has(point.split)) &&
      (wrong === null || (point.label !== null && isMisclassified(point) === (wrong === "true"))) &&
      (learned === null || point.learned === (learned === "true")) &&
      (labelled === null || (point.label !== null) === (labelled === "true")),
  );
}
