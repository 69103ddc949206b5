/** The part of the map that is shown: it can be zoomed and moved. */

import { framed } from "./projection.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./points.js").Spot} Spot
 * @typedef {import("./projection.js").Place} Place
 *
 * @typedef {Spot & { zoomed: number }} Part what lies in the middle, in the map's coordinates,
 *   and how many times it is enlarged
 */

const { d3 } = globalThis;

const MOST_ZOOM = 60;
const STEADY_PIXELS = 4;

// How far the wheel zooms, as a power of two, in its units: pixels, lines, pages.
const WHEEL = [0.002, 0.05, 1];
const PINCH = 10;

// Where nothing is enlarged, all is shown whatever lies in the middle.
const WHOLE = { x: 0, y: 0, zoomed: 1 };

const still = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @param {HTMLCanvasElement} canvas takes mouse and fingers
 * @param {MapPoint[]} points
 * @param {(part: Part) => void} changed another part is shown, or on another sheet
 * @param {Part} [start] the part to begin with
 */
export function viewport(canvas, points, changed, start = WHOLE) {
  let part = start;
  let transform = d3.zoomIdentity;
  let frame = framed(points, 1, 1);
  /** @type {Place} */
  let size = [0, 0];
  let isFitting = false;

  /** @returns {Place} */
  const middle = () => [size[0] / 2, size[1] / 2];

  const zoom = d3
    .zoom()
    .scaleExtent([1, MOST_ZOOM])
    .clickDistance(STEADY_PIXELS)
    .wheelDelta(() => wheelDelta(d3.event))
    .on("zoom", () => {
      const { x, y, k } = transform;
      transform = d3.event.transform;
      if (isFitting || (transform.x === x && transform.y === y && transform.k === k)) return;
      part = { ...spotAt(middle()), zoomed: transform.k };
      changed(part);
    });
  const surface = d3.select(canvas).call(zoom).on("dblclick.zoom", null);

  /**
   * What D3 is to do so that a spot lies at a place, as far as the edges of the map allow.
   *
   * @param {Spot} spot
   * @param {Place} place
   * @param {number} zoomed
   */
  function showing(spot, place, zoomed) {
    const [left, top] = frame.toPixels(spot);
    const wanted = d3.zoomIdentity
      .translate(...place)
      .scale(Math.min(Math.max(zoomed, 1), MOST_ZOOM))
      .translate(-left, -top);
    return zoom.constrain()(wanted, [[0, 0], size], [[0, 0], size]);
  }

  /** Show the same part on a sheet of another size. @param {number} width @param {number} height */
  function fit(width, height) {
    size = [width, height];
    frame = framed(points, width, height);
    zoom.extent([[0, 0], size]).translateExtent([[0, 0], size]);
    // The part stays what it is: what the edge keeps from the middle returns there with the room.
    isFitting = true;
    surface.call(zoom.transform, showing(part, middle(), part.zoomed));
    isFitting = false;
    changed(part);
  }

  /** @param {Spot} spot @returns {Place} */
  function placeOf(spot) {
    return transform.apply(frame.toPixels(spot));
  }

  /** @param {Place} place @returns {Spot} */
  function spotAt(place) {
    return frame.toMap(transform.invert(place));
  }

  /** Whether it is in sight, or nearly. @param {Spot} spot @param {number} beyond in pixels */
  function isInSight(spot, beyond = 0) {
    const [x, y] = placeOf(spot);
    return x >= -beyond && y >= -beyond && x <= size[0] + beyond && y <= size[1] + beyond;
  }

  return {
    fit,
    placeOf,
    spotAt,
    isInSight,
    part: () => part,
    middle,
    /** Pixels of one point, all shown as a whole. */
    room: () => (size[0] * size[1]) / points.length,
    /** A length in the map's coordinates. @param {number} pixels */
    lengthOf: (pixels) => pixels / (frame.scale * transform.k),
    /** @param {number} factor @param {Place} [around] stays where it is */
    zoomBy(factor, around = middle()) {
      const next = showing(spotAt(around), around, transform.k * factor);
      eased(surface).call(zoom.transform, next);
    },
    reset() {
      eased(surface).call(zoom.transform, d3.zoomIdentity);
    },
    /** Bring into the middle. @param {Spot} spot */
    moveTo(spot) {
      surface.call(zoom.transform, showing(spot, middle(), transform.k));
    },
    stop() {
      surface.interrupt();
    },
  };
}

/**
 * As later versions of D3 have it: two fingers that spread on a trackpad come as a wheel with Ctrl,
 * and in small steps.
 *
 * @param {WheelEvent} event
 */
function wheelDelta({ deltaY, deltaMode, ctrlKey }) {
  return -deltaY * WHEEL[deltaMode] * (ctrlKey ? PINCH : 1);
}

/** With a short transition, unless people want none. @param {any} selection */
function eased(selection) {
  return still.matches ? selection : selection.transition().duration(250);
}
