/** What is known of stored photographs: asked for once, and anew with a new release. */

import { ask, servedRelease } from "./api.js";

/**
 * @typedef {object} ImageRecord
 * @property {string} id
 * @property {string} label
 * @property {"train" | "validation"} split
 * @property {number} width
 * @property {number} height
 * @property {import("./attribution.js").Attribution | null} attribution
 */

/** @type {Map<string, ImageRecord>} */
const known = new Map();

addEventListener("release", () => known.clear());

/**
 * What is known of these photographs, in one call for those not asked for before.
 *
 * @param {string[]} ids
 * @param {AbortSignal} [signal]
 * @returns {Promise<ImageRecord[]>} in the order of the ids
 */
export async function recordsOf(ids, signal) {
  // A copy, since the answer may bring the news of another release, which empties what is known.
  const found = new Map(known);
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) {
    const query = missing.map((id) => `id=${encodeURIComponent(id)}`).join("&");
    const { images, release } = await ask(`/images?${query}`, { signal });
    for (const image of images) {
      found.set(image.id, image);
      if (release === servedRelease()) known.set(image.id, image);
    }
  }
  return ids.map((id) => /** @type {ImageRecord} */ (found.get(id)));
}
