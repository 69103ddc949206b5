/** Stored photographs: their addresses, their records, and how they are shown. */

import { credit } from "./attribution.js";
import { classTag } from "./classes.js";
import { element } from "./element.js";
import { ask } from "./service.js";

/**
 * @typedef {import("./attribution.js").Attribution} Attribution
 *
 * @typedef {object} ImageRecord
 * @property {string} id
 * @property {string} label
 * @property {"train" | "validation"} split
 * @property {number} width
 * @property {number} height
 * @property {Attribution | null} attribution
 */

/** @type {Map<string, ImageRecord>} */
const known = new Map();

addEventListener("release", () => known.clear());

/**
 * The id in an address: its slashes stay, everything else is percent-encoded.
 *
 * @param {string} id
 */
export function encoded(id) {
  return id.split("/").map(encodeURIComponent).join("/");
}

/** @param {string} id */
export function addressOf(id) {
  return `#/image/${encoded(id)}`;
}

/** @param {string} id */
export function imageOf(id) {
  return `/images/${encoded(id)}`;
}

/** @param {string} id */
export function thumbnailOf(id) {
  return `${imageOf(id)}/thumbnail`;
}

/**
 * What is known of these photographs, in one call for those not asked for before.
 *
 * @param {string[]} ids
 * @param {AbortSignal} [signal]
 * @returns {Promise<ImageRecord[]>} in the order of the ids
 */
export async function recordsOf(ids, signal) {
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length > 0) {
    const query = missing.map((id) => `id=${encodeURIComponent(id)}`).join("&");
    const { images } = await ask(`/images?limit=${missing.length}&${query}`, { signal });
    for (const image of images) known.set(image.id, image);
  }
  return ids.map((id) => /** @type {ImageRecord} */ (known.get(id)));
}

/**
 * What a photograph shows, for those who cannot see it.
 *
 * @param {Pick<ImageRecord, "label" | "attribution">} photograph
 */
export function described({ label, attribution }) {
  const title = attribution?.title;
  return title ? `${label}: ${title}` : `A photograph of the class ${label}`;
}

/**
 * A photograph that leads to its own view, with its class, its maker and what else is to be said.
 *
 * @param {Pick<ImageRecord, "id" | "label" | "attribution">} photograph
 * @param {object} [given]
 * @param {string} [given.source] of the picture; the thumbnail
 * @param {...import("./element.js").Child} more behind the class
 */
export function card(photograph, { source = thumbnailOf(photograph.id) } = {}, ...more) {
  return element(
    "figure",
    { class: "card" },
    element(
      "a",
      { href: addressOf(photograph.id), class: "picture" },
      element("img", { src: source, alt: described(photograph), loading: "lazy" }),
    ),
    element(
      "figcaption",
      {},
      element("p", { class: "facts" }, classTag(photograph.label), ...more),
      credit(photograph.attribution),
    ),
  );
}
