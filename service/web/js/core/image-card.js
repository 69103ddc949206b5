/** Card of a stored image: thumbnail, check box, class and attribution. */

import { attributionLine } from "./attribution.js";
import { classTag } from "./classes.js";
import { element } from "./dom.js";
import { retryingImage } from "./retrying-image.js";
import { selectionBox } from "./selection-box.js";
import { imageViewUrl, thumbnailUrl } from "./urls.js";

/** @typedef {import("./image-cache.js").ImageMetadata} ImageMetadata */

/**
 * Return the alternative text of an image.
 *
 * @param {Pick<ImageMetadata, "label" | "attribution">} image
 */
export function altText({ label, attribution }) {
  const title = attribution?.title;
  if (title) return `${label ?? "No label"}: ${title}`;
  return label === null ? "Image without a label" : `Image of class ${label}`;
}

/**
 * Create a card that links to the view of an image.
 *
 * @param {Pick<ImageMetadata, "id" | "label" | "attribution">} image
 * @param {object} [options]
 * @param {string} [options.source] URL of the image file; default the thumbnail
 * @param {...import("./dom.js").Child} details shown after the class
 */
export function imageCard(image, { source = thumbnailUrl(image.id) } = {}, ...details) {
  const text = altText(image);
  return element(
    "figure",
    { class: "card" },
    element(
      "a",
      { href: imageViewUrl(image.id), class: "image-link" },
      retryingImage(source, text, { loading: "lazy" }),
    ),
    selectionBox(image.id, text),
    element(
      "figcaption",
      {},
      element("p", { class: "facts" }, classTag(image.label), ...details),
      attributionLine(image.attribution),
    ),
  );
}
