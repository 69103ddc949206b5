/** Numbers of images for the values of each field, and ids of the images that match a filter. */

import { callApi, callApiCached } from "../core/api.js";
import { filteredUrl } from "./image-filter.js";

const MAX_IDS = 100_000;

/**
 * @typedef {object} Facet
 * @property {{ value: string, count: number }[]} values the most frequent first
 * @property {number} distinct number of values
 * @property {number} missing number of images without a value
 *
 * @typedef {object} FlagCounts
 * @property {number} yes
 * @property {number} no
 *
 * @typedef {Record<"label" | "predicted" | "split" | "tag" | "camera" | "photographer" | "year", Facet>
 *   & Record<"labelled" | "wrong" | "uncertain" | "learned" | "reviewed", FlagCounts>
 *   & { total: number, typicality: { counts: number[] } }} Facets each field is counted among the
 *   images that meet the conditions on all others
 */

/** @param {URLSearchParams} filter @returns {Promise<Facets>} */
export function loadFacets(filter) {
  return callConstant("/facets", filter);
}

/** @param {URLSearchParams} filter @returns {Promise<Set<string>>} */
export async function loadIds(filter) {
  const query = new URLSearchParams([...filter, ["limit", String(MAX_IDS)]]);
  const { ids } = await callConstant("/ids", query);
  return new Set(ids);
}

/**
 * Call the API; the answer is constant for a revision, unless a saved selection is involved.
 *
 * @param {string} path
 * @param {URLSearchParams} filter
 */
function callConstant(path, filter) {
  const call = filter.has("selection") ? callApi : callApiCached;
  return call(filteredUrl(path, filter), { mayPrompt: false });
}
