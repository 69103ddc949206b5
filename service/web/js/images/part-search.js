/** Nearest images of an image, or of the part of it that is selected. */

import { element } from "../core/dom.js";
import { deferredSection } from "../core/status.js";
import { neighbourCards } from "./neighbours.js";
import { formatBox, parseBox } from "../search/box.js";
import { partSelection } from "../search/part-selection.js";

/** Nearest images shown for a part of an image. */
const NEAR_A_PART = 6;

/**
 * @typedef {import("../search/box.js").Box} Box
 * @typedef {import("./neighbours.js").Neighbour} Neighbour
 */

/**
 * Create the selection of a part and the section of the nearest images, which follows it.
 *
 * @param {object} options
 * @param {string | null} options.box selected part, `x,y,w,h`, as in the address
 * @param {(box: string | null) => string} options.urlOf returns the address of the view
 * @param {(part: string) => Promise<Neighbour[]>} options.load loads the nearest images; the
 *   argument has the query parameters of a part, empty for the whole image
 * @param {AbortSignal} options.signal aborted when the view is left
 */
export function partSearch({ box, urlOf, load, signal }) {
  const initial = parseBox(box);
  let neighbours = nearest(initial);
  const selection = partSelection({
    initial,
    onChange(selected) {
      history.replaceState(history.state, "", urlOf(selected && formatBox(selected)));
      const next = nearest(selected);
      neighbours.replaceWith(next);
      neighbours = next;
    },
  });
  return { selection, neighbours };

  /** @param {Box | null} selected */
  function nearest(selected) {
    const part = selected ? `k=${NEAR_A_PART}&box=${formatBox(selected)}` : "";
    return deferredSection(
      "neighbours",
      selected ? "Nearest to this part" : "Nearest images",
      async () => neighbourCards(await load(part)),
      signal,
    );
  }
}

/**
 * Create the frame of an image, over which a part is selected.
 *
 * @param {HTMLImageElement} file
 * @param {ReturnType<typeof partSelection>} selection
 * @param {number} ratio width by height
 */
export function pictureFrame(file, selection, ratio) {
  return element("div", { class: "picture", style: { "--ratio": ratio } }, file, selection.layer);
}
