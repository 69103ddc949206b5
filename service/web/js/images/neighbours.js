/** Cards of the nearest neighbours of an image. */

import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { imageCard } from "../core/image-card.js";
import { imageUrl } from "../core/urls.js";

/**
 * @typedef {import("../core/image-cache.js").ImageMetadata & { distance: number }} Neighbour
 */

/** @param {Neighbour[]} neighbours in ascending order of distance */
export function neighbourCards(neighbours) {
  return element(
    "div",
    { class: "cards" },
    ...neighbours.map((each) =>
      imageCard(
        each,
        { source: imageUrl(each.id) },
        element("span", { class: "secondary" }, `distance ${number(each.distance, 2)}`),
      ),
    ),
  );
}
