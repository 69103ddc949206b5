/** The photographs nearest to one. */

import { imageOf } from "./addresses.js";
import { element } from "./element.js";
import { card } from "./photographs.js";
import { number } from "./words.js";

/**
 * @typedef {import("./records.js").ImageRecord & { distance: number }} Neighbour
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
