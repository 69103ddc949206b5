/** How stored photographs are shown. */

import { credit } from "./attribution.js";
import { classTag } from "./classes.js";
import { element } from "./dom.js";
import { picture } from "./retrying-image.js";
import { addressOf, thumbnailOf } from "./urls.js";

/** @typedef {import("./image-cache.js").ImageRecord} ImageRecord */

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
 * @param {...import("./dom.js").Child} more behind the class
 */
export function card(photograph, { source = thumbnailOf(photograph.id) } = {}, ...more) {
  return element(
    "figure",
    { class: "card" },
    element(
      "a",
      { href: addressOf(photograph.id), class: "picture" },
      picture(source, described(photograph), { loading: "lazy" }),
    ),
    element(
      "figcaption",
      {},
      element("p", { class: "facts" }, classTag(photograph.label), ...more),
      credit(photograph.attribution),
    ),
  );
}
