/** The card beside the point that is pointed at: thumbnail, classes, maker, licence. */

import { credit } from "./attribution.js";
import { classTag } from "./classes.js";
import { element } from "./element.js";
import { addressOf, recordsOf, thumbnailOf } from "./photographs.js";
import { isWrong } from "./points.js";
import { splitName } from "./words.js";

const PAUSE_MILLISECONDS = 60;
const GAP = 14;

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./painting.js").Place} Place
 */

/**
 * A card in an element; it shows one point at a time.
 *
 * @param {HTMLElement} host
 * @param {AbortSignal} signal
 */
export function hoverCard(host, signal) {
  const card = element("div", { class: "hover-card", hidden: true });
  host.append(card);
  /** @type {MapPoint | null} */
  let shown = null;
  let timer = 0;

  /** @param {MapPoint} point @param {Place} place */
  async function fill(point, place) {
    const picture = element("img", { src: thumbnailOf(point.id), alt: "Open it" });
    const maker = element("div", { class: "maker" });
    const link = element("a", { href: addressOf(point.id), tabindex: -1 }, picture);
    card.replaceChildren(link, ...saidOf(point), maker);
    picture.addEventListener("load", () => put(place));
    card.hidden = false;
    put(place);
    const [record] = await recordsOf([point.id], signal);
    maker.replaceChildren(credit(record.attribution));
    put(place);
  }

  /** Beside the point, inside the element. @param {Place} place */
  function put([x, y]) {
    const { offsetWidth: width, offsetHeight: height } = card;
    const left = x + GAP + width < host.clientWidth ? x + GAP : x - GAP - width;
    const top = Math.min(Math.max(y - height / 2, GAP), host.clientHeight - height - GAP);
    card.style.setProperty("left", `${Math.max(left, GAP)}px`);
    card.style.setProperty("top", `${top}px`);
  }

  return {
    /** @param {MapPoint | null} point @param {Place} place */
    show(point, place) {
      if (point === shown) return;
      shown = point;
      clearTimeout(timer);
      card.hidden = true;
      if (!point) return;
      timer = setTimeout(() => fill(point, place).catch(ignoreAbsence), PAUSE_MILLISECONDS);
    },
  };
}

/** What is said of a point. @param {MapPoint} point */
function saidOf(point) {
  return [
    element(
      "p",
      {},
      classTag(point.label),
      element("span", { class: "quiet" }, `, ${splitName(point.split)}`),
    ),
    element(
      "p",
      { class: isWrong(point) ? "wrong" : "right" },
      isWrong(point) ? "taken for " : "recognised as ",
      classTag(point.predicted),
    ),
  ];
}

/** A card without its maker's name would be wrong, so none is left. @param {unknown} error */
function ignoreAbsence(error) {
  console.warn("No card:", error);
}
