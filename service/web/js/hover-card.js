/** The card beside the point that is pointed at: thumbnail, classes, maker, licence. */

import { addressOf, thumbnailOf } from "./addresses.js";
import { credit } from "./attribution.js";
import { classTag } from "./classes.js";
import { element } from "./element.js";
import { isWrong } from "./points.js";
import { recordsOf } from "./records.js";
import { Problem } from "./service.js";
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
  /** @type {Place} */
  let where = [0, 0];
  let timer = 0;

  /** No photograph is shown without its maker. @param {MapPoint} point */
  async function fill(point) {
    const [record] = await recordsOf([point.id], signal);
    if (point !== shown) return;
    const picture = element("img", { src: thumbnailOf(point.id), alt: "Open it" });
    card.replaceChildren(
      element("a", { href: addressOf(point.id), tabindex: -1 }, picture),
      ...saidOf(point),
      credit(record.attribution),
    );
    card.hidden = false;
    put();
  }

  /** Beside the point, inside the element. */
  function put() {
    const [x, y] = where;
    const { offsetWidth: width, offsetHeight: height } = card;
    const left = x + GAP + width < host.clientWidth ? x + GAP : x - GAP - width;
    const top = Math.min(Math.max(y - height / 2, GAP), host.clientHeight - height - GAP);
    card.style.setProperty("left", `${Math.max(left, GAP)}px`);
    card.style.setProperty("top", `${top}px`);
  }

  return {
    /** @param {MapPoint | null} point @param {Place} place */
    show(point, place) {
      where = place;
      if (point === shown) return put();
      shown = point;
      clearTimeout(timer);
      card.hidden = true;
      if (point) timer = setTimeout(() => fill(point).catch(stayHidden), PAUSE_MILLISECONDS);
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

/** The map can do without a card. @param {unknown} error */
function stayHidden(error) {
  const isExpected = error instanceof Problem || error instanceof DOMException;
  if (!isExpected) throw error;
}
