/** The card beside the point that is pointed at: thumbnail, classes, maker, licence. */

import { Problem } from "../core/api-error.js";
import { credit } from "../core/attribution.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { splitName } from "../core/format.js";
import { recordsOf } from "../core/image-cache.js";
import { described } from "../core/image-card.js";
import { picture } from "../core/retrying-image.js";
import { keepFocus } from "../core/status.js";
import { addressOf, thumbnailOf } from "../core/urls.js";
import { isWrong } from "./points.js";

const PAUSE_MILLISECONDS = 60;
const GAP = 14;

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("../core/image-cache.js").ImageRecord} ImageRecord
 * @typedef {import("./projection.js").Place} Place
 */

/**
 * A card in an element; it shows one point at a time.
 *
 * @param {HTMLElement} host
 * @param {(text: string) => void} told what another card says, once it is filled
 * @param {AbortSignal} signal
 */
export function hoverCard(host, told, signal) {
  const card = element("div", { class: "hover-card", hidden: true });
  host.append(card);
  /** @type {MapPoint | null} */
  let shown = null;
  /** @type {Place} */
  let where = [0, 0];
  let timer = 0;
  signal.addEventListener("abort", () => clearTimeout(timer));

  /** @param {MapPoint} point */
  async function fill(point) {
    const record = await recordOf(point, signal);
    if (point !== shown || signal.aborted) return;
    const lines = linesOf(point, record);
    card.replaceChildren(...(record ? [pictureOf(record)] : []), ...lines);
    card.hidden = false;
    put();
    told(lines.map(({ textContent }) => textContent).join(". "));
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
      keepFocus(card, host);
      card.hidden = true;
      if (point) timer = setTimeout(() => fill(point), PAUSE_MILLISECONDS);
    },
  };
}

/**
 * What is known of a photograph; null where that cannot be had.
 *
 * @param {MapPoint} point
 * @param {AbortSignal} signal
 */
async function recordOf({ id }, signal) {
  try {
    const [record] = await recordsOf([id], signal);
    return record;
  } catch (error) {
    if (error instanceof Problem || signal.aborted) return null;
    throw error;
  }
}

/** @param {ImageRecord} record */
function pictureOf(record) {
  const thumbnail = picture(thumbnailOf(record.id), described(record));
  return element("a", { href: addressOf(record.id), tabindex: -1 }, thumbnail);
}

/**
 * The classes of a point and its maker, without whom no photograph is shown.
 *
 * @param {MapPoint} point
 * @param {ImageRecord | null} record
 */
function linesOf(point, record) {
  const lines = [
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
  return [...lines, record ? credit(record.attribution) : apology()];
}

function apology() {
  return element(
    "p",
    { class: "quiet" },
    "The service did not say whose photograph this is; point at it once more to see it.",
  );
}
