/** Some of the photographs in the part of the map that is shown, spread over it. */

import { Problem } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { plural } from "../core/format.js";
import { recordsOf } from "../core/image-cache.js";
import { card } from "../core/image-card.js";
import { againButton, announce, keepFocus } from "../core/status.js";

/** @typedef {import("./points.js").MapPoint} MapPoint */

const { d3 } = globalThis;

const MOST = 8;
const COLUMNS = 4;
const PAUSE_MILLISECONDS = 200;

const UNSAID = "The service did not say whose photographs these are.";

/**
 * The strip and what keeps it up to date.
 *
 * @param {(point: MapPoint | null) => void} emphasise a photograph of the strip is pointed at
 * @param {AbortSignal} signal
 */
export function sightStrip(emphasise, signal) {
  const title = element("h2", {}, "In sight");
  const list = element("div", { class: "cards" });
  const strip = element(
    "section",
    { class: "sight", "aria-label": "Photographs in sight", tabindex: -1 },
    title,
    list,
  );
  let timer = 0;
  let filling = new AbortController();
  signal.addEventListener("abort", stop);

  function stop() {
    clearTimeout(timer);
    filling.abort();
  }

  /** @param {MapPoint[]} points */
  async function fill(points) {
    stop();
    filling = new AbortController();
    const current = filling.signal;
    title.textContent = `In sight: ${plural(points.length, "photograph")}`;
    const chosen = spread(points);
    try {
      const records = await recordsOf(
        chosen.map(({ id }) => id),
        current,
      );
      if (current.aborted) return;
      show(...records.map((record, index) => emphasising(record, chosen[index])));
    } catch (error) {
      if (current.aborted) return;
      if (!(error instanceof Problem)) throw error;
      show(apology(() => fill(points)));
      announce(UNSAID);
    }
  }

  /** @param {...HTMLElement} cards */
  function show(...cards) {
    // What is taken away under the mouse or the keyboard does not say that they leave it.
    emphasise(null);
    keepFocus(list, strip);
    list.replaceChildren(...cards);
  }

  /**
   * A card; its point is emphasised as long as somebody points at it.
   *
   * @param {import("../core/image-cache.js").ImageRecord} record
   * @param {MapPoint} point
   */
  function emphasising(record, point) {
    const figure = card(record);
    for (const event of ["pointerenter", "focusin"]) {
      figure.addEventListener(event, () => emphasise(point));
    }
    for (const event of ["pointerleave", "focusout"]) {
      figure.addEventListener(event, () => emphasise(null));
    }
    return figure;
  }

  return {
    element: strip,
    /** Show others once the map has come to rest. @param {() => MapPoint[]} inSight */
    update(inSight) {
      stop();
      if (signal.aborted) return;
      timer = setTimeout(() => fill(inSight()), PAUSE_MILLISECONDS);
    },
  };
}

/** @param {() => void} again */
function apology(again) {
  return element("div", { class: "apology" }, element("p", {}, UNSAID), againButton(again));
}

/** One of each part of the picture, as far as there are so many. @param {MapPoint[]} points */
function spread(points) {
  if (points.length <= MOST) return points;
  const [left, right] = d3.extent(points, (/** @type {MapPoint} */ { x }) => x);
  const [low, high] = d3.extent(points, (/** @type {MapPoint} */ { y }) => y);
  const rows = MOST / COLUMNS;
  const part = (/** @type {MapPoint} */ { x, y }) =>
    Math.floor(((x - left) / (right - left + 1e-9)) * COLUMNS) * rows +
    Math.floor(((y - low) / (high - low + 1e-9)) * rows);
  /** @type {Map<number, MapPoint>} */
  const found = new Map();
  for (const point of points) {
    if (!found.has(part(point))) found.set(part(point), point);
  }
  return [...found.values()];
}
