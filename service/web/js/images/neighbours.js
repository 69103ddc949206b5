/** Cards of the nearest neighbours of an image. */

import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { imageCard } from "../core/image-card.js";
import { imageUrl } from "../core/urls.js";
import { exampleButtons } from "../search/example-buttons.js";

/**
 * @typedef {import("../core/image-cache.js").ImageMetadata & { distance: number }} Neighbour
 */

/** @param {Neighbour[]} neighbours in ascending order of distance */
export function neighbourCards(neighbours) {
  return element("div", { class: "cards" }, ...neighbours.map(neighbourCard));
}

/** @param {Neighbour} neighbour */
export function neighbourCard(neighbour) {
  const card = imageCard(
    neighbour,
    { source: imageUrl(neighbour.id) },
    element("span", { class: "secondary" }, `distance ${number(neighbour.distance, 2)}`),
  );
  card.querySelector("figcaption")?.append(exampleButtons(neighbour.id));
  return card;
}
