/** The map: points that can be zoomed, moved, pointed at and walked over with the arrow keys. */

import { element } from "./element.js";
import { framed } from "./frame.js";
import { namesOn, paint, sizeOf } from "./painting.js";
import { nextTowards } from "./walking.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./painting.js").Mark} Mark
 * @typedef {import("./painting.js").Place} Place
 * @typedef {import("./frame.js").Frame} Frame
 *
 * @typedef {object} Watchers
 * @property {(point: MapPoint) => void} [open] a point was chosen
 * @property {(point: MapPoint | null, place: Place) => void} [point] one is pointed at
 * @property {(transform: any) => void} [move] another part is shown; D3 knows it by this
 */

const { d3 } = globalThis;

const REACH = 14;
const MOST_ZOOM = 60;

/** What one step of zooming multiplies sizes with. */
export const STEP = 1.6;

const NAMES_UP_TO = 3;
const MOST_WHILE_MOVING = 5000;

/** @type {Record<string, Place>} */
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

/**
 * Draw points into an element and keep them fitting it.
 *
 * @param {HTMLElement} host takes the keyboard's focus
 * @param {MapPoint[]} points
 * @param {Watchers} watchers
 * @param {object} given
 * @param {Mark[]} [given.marks]
 * @param {boolean} [given.isFixed] whether it is always shown as a whole
 * @param {any} [given.start] the part to begin with, as D3 knows it
 * @param {AbortSignal} given.signal ends it
 */
export function scatter(host, points, watchers, { marks = [], isFixed = false, start, signal }) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  host.append(canvas);

  let shown = points;
  let transform = d3.zoomIdentity;
  /** @type {MapPoint | null} */
  let pointed = null;
  /** @type {Frame} */
  let frame = framed(points, 1, 1);
  /** @type {any} */
  let tree = null;
  /** @type {Mark[]} */
  let names = [];
  let isMoving = false;
  let waiting = false;

  const zoom = d3
    .zoom()
    .scaleExtent([1, MOST_ZOOM])
    .on("start", () => {
      isMoving = true;
    })
    .on("end", () => {
      isMoving = false;
      redraw();
    })
    .on("zoom", () => {
      transform = d3.event.transform;
      redraw();
      if (pointed) watchers.point?.(pointed, placeOf(pointed));
      watchers.move?.(transform);
    });
  const surface = d3.select(canvas);
  if (!isFixed) surface.call(zoom).on("dblclick.zoom", null);

  /** @param {MapPoint | Mark} point @returns {Place} */
  const placeOf = (point) => transform.apply([frame.x(point.x), frame.y(point.y)]);

  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const room = (host.clientWidth * host.clientHeight) / points.length;
      const size = sizeOf(room, transform.k);
      const hasNames = marks.length === 0 && transform.k < NAMES_UP_TO;
      paint(pen, {
        // They are in a random order, so some stand for all as long as the map moves.
        points: isMoving ? inSight(size).slice(0, MOST_WHILE_MOVING) : inSight(size),
        placeOf,
        size,
        pointed,
        marks,
        names: hasNames ? names : [],
      });
    });
  }

  function fit() {
    const { clientWidth: width, clientHeight: height } = host;
    if (width === 0 || height === 0) return;
    const ratio = devicePixelRatio;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    frame = framed(points, width, height);
    const whole = [
      [0, 0],
      [width, height],
    ];
    zoom.extent(whole).translateExtent(whole);
    plant();
    redraw();
    watchers.move?.(transform);
  }

  function plant() {
    names = namesOn(shown);
    tree = d3
      .quadtree()
      .x((/** @type {MapPoint} */ point) => frame.x(point.x))
      .y((/** @type {MapPoint} */ point) => frame.y(point.y))
      .addAll(shown);
  }

  /** @param {MapPoint | null} point */
  function pointAt(point) {
    if (point !== pointed) redraw();
    pointed = point;
    watchers.point?.(point, point ? placeOf(point) : [0, 0]);
  }

  /** @param {MouseEvent} event @returns {MapPoint | null} */
  function under(event) {
    const [x, y] = transform.invert([event.offsetX, event.offsetY]);
    return tree.find(x, y, REACH / transform.k) ?? null;
  }

  /** @param {number} factor */
  function zoomBy(factor) {
    const middle = pointed ? placeOf(pointed) : undefined;
    eased(surface).call(zoom.scaleBy, factor, middle);
  }

  function reset() {
    eased(surface).call(zoom.transform, d3.zoomIdentity);
  }

  /** The points in sight, or nearly. @param {number} [beyond] in pixels */
  function inSight(beyond = 0) {
    const { clientWidth: width, clientHeight: height } = host;
    return shown.filter((point) => {
      const [x, y] = placeOf(point);
      return x >= -beyond && y >= -beyond && x <= width + beyond && y <= height + beyond;
    });
  }

  /** @param {Place} direction */
  function walk(direction) {
    /** @type {Place} */
    const middle = [host.clientWidth / 2, host.clientHeight / 2];
    const next = pointed
      ? nextTowards(direction, shown, placeOf, placeOf(pointed))
      : tree.find(...transform.invert(middle));
    if (!next) return;
    if (!inSight().includes(next)) {
      surface.call(zoom.translateTo, frame.x(next.x), frame.y(next.y));
    }
    pointAt(next);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) walk(ARROWS[event.key]);
    else if (event.key === "+" || event.key === "=") zoomBy(STEP);
    else if (event.key === "-") zoomBy(1 / STEP);
    else if (event.key === "0") reset();
    else if (event.key === "Escape") pointAt(null);
    else if (event.key === "Enter" && pointed) watchers.open?.(pointed);
    else return;
    event.preventDefault();
  }

  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && !event.buttons) pointAt(under(event));
  });
  canvas.addEventListener("pointerleave", () => pointAt(null));
  canvas.addEventListener("click", (event) => {
    const point = under(event);
    // A finger cannot hover: its first touch shows the card, the second one opens.
    const touched = /** @type {PointerEvent} */ (event).pointerType === "touch";
    if (point && !(touched && point !== pointed)) watchers.open?.(point);
    else pointAt(point);
  });
  host.addEventListener("keydown", onKey, { signal });
  const observer = new ResizeObserver(fit);
  observer.observe(host);
  dark.addEventListener("change", redraw, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
  fit();
  if (start) surface.call(zoom.transform, start);

  return {
    zoomBy,
    reset,
    /** Show only these. @param {MapPoint[]} chosen */
    show(chosen) {
      shown = chosen;
      pointAt(null);
      plant();
      redraw();
      watchers.move?.(transform);
    },
    /** Emphasise a point. @param {MapPoint | null} point */
    emphasise(point) {
      pointed = point;
      redraw();
    },
    inSight,
  };
}

/** With a short transition, unless people want none. @param {any} selection */
function eased(selection) {
  return still.matches ? selection : selection.transition().duration(250);
}
