/** Thumbnails of images in the visible region of the map. */

import { ApiError } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { plural } from "../core/format.js";
import { loadImages } from "../core/image-cache.js";
import { imageCard } from "../core/image-card.js";
import { announce, preserveFocus, retryButton } from "../core/status.js";

/** @typedef {import("./points.js").MapPoint} MapPoint */

const { d3 } = globalThis;

const MAX_THUMBNAILS = 8;
const COLUMNS = 4;
const DEBOUNCE_MILLISECONDS = 200;

const ATTRIBUTION_FAILED =
  "The attribution of these images could not be loaded, so they are not shown.";

/**
 * @param {(point: MapPoint | null) => void} highlight called when a thumbnail is hovered or focused
 * @param {AbortSignal} signal
 */
export function thumbnailStrip(highlight, signal) {
  const title = element("h2", {}, "In view");
  const list = element("div", { class: "cards" });
  const strip = element(
    "section",
    { class: "thumbnails", "aria-label": "Images in view", tabindex: -1 },
    title,
    list,
  );
  let timer = 0;
  let loading = new AbortController();
  signal.addEventListener("abort", stop);

  function stop() {
    clearTimeout(timer);
    loading.abort();
  }

  /** @param {MapPoint[]} points */
  async function fill(points) {
    stop();
    loading = new AbortController();
    const current = loading.signal;
    title.textContent = `In view: ${plural(points.length, "image")}`;
    const sample = spreadSample(points);
    try {
      const images = await loadImages(
        sample.map(({ id }) => id),
        current,
      );
      if (current.aborted) return;
      show(...images.map((image, index) => highlightingCard(image, sample[index])));
    } catch (error) {
      if (current.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      show(errorCard(() => fill(points)));
      announce(ATTRIBUTION_FAILED);
    }
  }

  /** @param {...HTMLElement} cards */
  function show(...cards) {
    // A card that is removed while hovered or focused dispatches no leave event.
    highlight(null);
    preserveFocus(list, strip);
    list.replaceChildren(...cards);
  }

  /**
   * Create a card that highlights its point while it is hovered or focused.
   *
   * @param {import("../core/image-cache.js").ImageMetadata} image
   * @param {MapPoint} point
   */
  function highlightingCard(image, point) {
    const figure = imageCard(image);
    for (const event of ["pointerenter", "focusin"]) {
      figure.addEventListener(event, () => highlight(point));
    }
    for (const event of ["pointerleave", "focusout"]) {
      figure.addEventListener(event, () => highlight(null));
    }
    return figure;
  }

  return {
    element: strip,
    /**
     * Show other thumbnails after the map has stopped moving.
     *
     * @param {() => MapPoint[]} visiblePoints
     */
    update(visiblePoints) {
      stop();
      if (signal.aborted) return;
      timer = setTimeout(() => fill(visiblePoints()), DEBOUNCE_MILLISECONDS);
    },
  };
}

/** @param {() => void} retry */
function errorCard(retry) {
  return element(
    "div",
    { class: "error-card" },
    element("p", {}, ATTRIBUTION_FAILED),
    retryButton(retry),
  );
}

/** Choose points from different cells of a grid. @param {MapPoint[]} points */
function spreadSample(points) {
  if (points.length <= MAX_THUMBNAILS) return points;
  const [left, right] = d3.extent(points, (/** @type {MapPoint} */ { x }) => x);
  const [low, high] = d3.extent(points, (/** @type {MapPoint} */ { y }) => y);
  const rows = MAX_THUMBNAILS / COLUMNS;
  const cell = (/** @type {MapPoint} */ { x, y }) =>
    Math.floor(((x - left) / (right - left + 1e-9)) * COLUMNS) * rows +
    Math.floor(((y - low) / (high - low + 1e-9)) * rows);
  /** @type {Map<number, MapPoint>} */
  const chosen = new Map();
  for (const point of points) {
    if (!chosen.has(cell(point))) chosen.set(cell(point), point);
  }
  return [...chosen.values()];
}
