/** Numbers of images for the values of each field, and ids of the images that match a filter. */

import { callApiCached } from "../core/api.js";
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
 *   & Record<"labelled" | "wrong" | "uncertain" | "learned", FlagCounts>
 *   & { total: number, typicality: { counts: number[] } }} Facets each field is counted among the
 *   images that meet the conditions on all others
 */

/** @param {URLSearchParams} filter @returns {Promise<Facets>} */
export function loadFacets(filter) {
  return callApiCached(filteredUrl("/facets", filter), { mayPrompt: false });
}

/** @param {URLSearchParams} filter @returns {Promise<Set<string>>} */
export async function loadIds(filter) {
  const query = new URLSearchParams([...filter, ["limit", String(MAX_IDS)]]);
  const { ids } = await callApiCached(filteredUrl("/ids", query), { mayPrompt: false });
  return new Set(ids);
}
