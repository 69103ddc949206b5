/** Cache of image metadata, cleared when the release or a stored image changes. */

import { callApi, isCurrent } from "./api.js";

/**
 * @typedef {object} ImageMetadata
 * @property {string} id
 * @property {string | null} label
 * @property {"train" | "validation" | "pool"} split
 * @property {boolean} learned whether the model learned from the image
 * @property {number} width
 * @property {number} height
 * @property {import("./attribution.js").Attribution | null} attribution
 * @property {string} etag changes with the metadata
 */

/** @type {Map<string, ImageMetadata>} */
const cache = new Map();

for (const event of ["release", "revision"]) addEventListener(event, () => cache.clear());

/**
 * Load metadata of images, in one call for those that are not cached.
 *
 * @param {string[]} ids
 * @param {AbortSignal} [signal]
 * @returns {Promise<ImageMetadata[]>} in the order of the ids
 */
export async function loadImages(ids, signal) {
  // A copy, because the call may detect a new release and clear the cache.
  const found = new Map(cache);
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) {
    const query = missing.map((id) => `id=${encodeURIComponent(id)}`).join("&");
    const response = await callApi(`/images?${query}`, { signal });
    for (const image of response.images) {
      found.set(image.id, image);
      if (isCurrent(response)) cache.set(image.id, image);
    }
  }
  return ids.map((id) => /** @type {ImageMetadata} */ (found.get(id)));
}

/**
 * Return the entity tags of the images whose metadata are known, by id.
 *
 * @param {string[]} ids
 * @returns {Record<string, string>}
 */
export function knownTags(ids) {
  const known = ids.flatMap((id) => cache.get(id) ?? []);
  return Object.fromEntries(known.map(({ id, etag }) => [id, etag]));
}
