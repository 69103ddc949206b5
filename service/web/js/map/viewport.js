/** Viewport: the visible region of the map, with zooming and panning. */

import { projection } from "./projection.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./points.js").MapPosition} MapPosition
 * @typedef {import("./projection.js").Pixels} Pixels
 *
 * @typedef {MapPosition & { zoom: number }} Region centre in map coordinates, and zoom factor
 */

const { d3 } = globalThis;

const MAX_ZOOM = 60;
const CLICK_DISTANCE = 4;
// Margin in pixels, at zoom factor 1, around positions to be shown.
const FIT_MARGIN = 24;

// Power of two per unit of the wheel: pixels, lines, pages.
const WHEEL = [0.002, 0.05, 1];
const PINCH = 10;

// At zoom factor 1 the whole map is visible, for any centre.
const WHOLE_MAP = { x: 0, y: 0, zoom: 1 };

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @param {HTMLCanvasElement} canvas receives pointer events
 * @param {MapPoint[]} points
 * @param {(region: Region) => void} onChange called when the region or the size changes
 * @param {(event: MouseEvent | TouchEvent) => boolean} pans whether a pressed pointer pans
 * @param {Region} [initial]
 */
export function viewport(canvas, points, onChange, pans, initial = WHOLE_MAP) {
  let region = initial;
  let transform = d3.zoomIdentity;
  let base = projection(points, 1, 1);
  /** @type {Pixels} */
  let size = [0, 0];
  let isResizing = false;

  /** @returns {Pixels} */
  const centre = () => [size[0] / 2, size[1] / 2];

  const zoom = d3
    .zoom()
    .scaleExtent([1, MAX_ZOOM])
    .filter(() => !d3.event.button && (d3.event.type === "wheel" || pans(d3.event)))
    .clickDistance(CLICK_DISTANCE)
    .wheelDelta(() => wheelDelta(d3.event))
    .on("zoom", () => {
      const { x, y, k } = transform;
      transform = d3.event.transform;
      if (isResizing || (transform.x === x && transform.y === y && transform.k === k)) return;
      region = { ...toMap(centre()), zoom: transform.k };
      onChange(region);
    });
  const surface = d3.select(canvas).call(zoom).on("dblclick.zoom", null);

  /**
   * Return D3's transform that shows a map position at a pixel position, within the edges of the
   * map.
   *
   * @param {MapPosition} position
   * @param {Pixels} pixels
   * @param {number} factor
   */
  function transformFor(position, pixels, factor) {
    const [left, top] = base.toPixels(position);
    const wanted = d3.zoomIdentity
      .translate(...pixels)
      .scale(Math.min(Math.max(factor, 1), MAX_ZOOM))
      .translate(-left, -top);
    return zoom.constrain()(wanted, [[0, 0], size], [[0, 0], size]);
  }

  /** Show the same region at another size. @param {number} width @param {number} height */
  function resize(width, height) {
    size = [width, height];
    base = projection(points, width, height);
    zoom.extent([[0, 0], size]).translateExtent([[0, 0], size]);
    // The region is kept even if the edges of the map forbid its centre at this size; it is centred
    // again when the size allows it.
    isResizing = true;
    surface.call(zoom.transform, transformFor(region, centre(), region.zoom));
    isResizing = false;
    onChange(region);
  }

  /** @param {MapPosition} position @returns {Pixels} */
  function toPixels(position) {
    return transform.apply(base.toPixels(position));
  }

  /** @param {Pixels} pixels @returns {MapPosition} */
  function toMap(pixels) {
    return base.toMap(transform.invert(pixels));
  }

  /**
   * Return whether a position is visible.
   *
   * @param {MapPosition} position
   * @param {number} margin in pixels
   */
  function isVisible(position, margin = 0) {
    const [x, y] = toPixels(position);
    return x >= -margin && y >= -margin && x <= size[0] + margin && y <= size[1] + margin;
  }

  return {
    resize,
    toPixels,
    toMap,
    isVisible,
    region: () => region,
    centre,
    /** Return the mean area of a point in square pixels, at zoom factor 1. */
    areaPerPoint: () => (size[0] * size[1]) / points.length,
    /** Convert a length to map units. @param {number} pixels */
    toMapLength: (pixels) => pixels / (base.scale * transform.k),
    /**
     * Zoom around a fixed position.
     *
     * @param {number} factor
     * @param {Pixels} [fixed] default the centre
     */
    zoomBy(factor, fixed = centre()) {
      const next = transformFor(toMap(fixed), fixed, transform.k * factor);
      withTransition(surface).call(zoom.transform, next);
    },
    /** Show the whole map. */
    reset() {
      withTransition(surface).call(zoom.transform, d3.zoomIdentity);
    },
    /** @param {MapPosition} position */
    centreOn(position) {
      surface.call(zoom.transform, transformFor(position, centre(), transform.k));
    },
    /** Show a region that contains all positions. @param {MapPosition[]} positions */
    fit(positions) {
      const pixels = positions.map(base.toPixels);
      const [left, right] = d3.extent(pixels, (/** @type {Pixels} */ [x]) => x);
      const [top, bottom] = d3.extent(pixels, (/** @type {Pixels} */ [, y]) => y);
      const [width, height] = [right - left, bottom - top].map((each) => each + 2 * FIT_MARGIN);
      const middle = base.toMap([(left + right) / 2, (top + bottom) / 2]);
      const factor = Math.min(size[0] / width, size[1] / height);
      withTransition(surface).call(zoom.transform, transformFor(middle, centre(), factor));
    },
    stop() {
      surface.interrupt();
    },
  };
}

/**
 * Return the zoom step of a wheel event, like later versions of D3: browsers report a pinch gesture
 * on a trackpad as a wheel event with Ctrl, in small steps.
 *
 * @param {WheelEvent} event
 */
function wheelDelta({ deltaY, deltaMode, ctrlKey }) {
  return -deltaY * WHEEL[deltaMode] * (ctrlKey ? PINCH : 1);
}

/** Add a transition, unless the user prefers reduced motion. @param {any} selection */
function withTransition(selection) {
  return reducedMotion.matches ? selection : selection.transition().duration(250);
}
