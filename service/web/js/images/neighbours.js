/** The photographs nearest to one. */

import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { card } from "../core/image-card.js";
import { imageOf } from "../core/urls.js";

/**
 * @typedef {import("../core/image-cache.js").ImageRecord & { distance: number }} Neighbour
 */

/** @param {Neighbour[]} neighbours nearest first */
export function neighbourhood(neighbours) {
  return element(
    "div",
    { class: "cards" },
    ...neighbours.map((each) =>
      card(
        each,
        { source: imageOf(each.id) },
        element("span", { class: "quiet" }, `distance ${number(each.distance, 2)}`),
      ),
    ),
  );
}
