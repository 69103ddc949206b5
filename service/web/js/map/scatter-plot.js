/** The map: points that can be zoomed, moved, pointed at and walked over with the arrow keys. */

import { sheet } from "./canvas-layer.js";
import { pointing } from "./hit-testing.js";
import { namesOn } from "./projection.js";
import {
  coloursOf,
  paintPoints,
  ring,
  ringAround,
  sizeOf,
  SMALLEST_MARK,
  write,
} from "./renderer.js";
import { viewport } from "./viewport.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./viewport.js").Part} Part
 *
 * @typedef {object} Watchers
 * @property {(point: MapPoint) => void} open a point was chosen
 * @property {(point: MapPoint | null, place: import("./projection.js").Place) => void} point one is
 *   pointed at
 * @property {(part: Part) => void} move another part is shown
 */

/** What one step of zooming multiplies sizes with. */
export const STEP = 1.6;

const NAMES_UP_TO = 3;
const RING_GAP = 4.5;

/**
 * Draw points into an element and keep them fitting it.
 *
 * @param {HTMLElement} host takes the keyboard's focus
 * @param {MapPoint[]} points in a random order
 * @param {Watchers} watchers
 * @param {object} given
 * @param {Part} [given.start] the part to begin with
 * @param {AbortSignal} given.signal ends it
 */
export function scatter(host, points, watchers, { start, signal }) {
  let shown = points;
  let names = namesOn(points);
  /** @type {MapPoint | null} */
  let emphasised = null;

  const paper = sheet(host, { fit: (...size) => view.fit(...size), below, above }, signal);
  const view = viewport(paper.canvas, points, moved, start);
  const pointer = pointing(paper.canvas, view, told, watchers.open);
  pointer.among(points);
  signal.addEventListener("abort", view.stop);
  host.addEventListener("keydown", onKey, { signal });

  const size = () => sizeOf(view.room(), view.part().zoomed);

  /** @param {import("./canvas-layer.js").Pen} pen */
  function below(pen) {
    const points = inSight(size());
    return paintPoints(pen, {
      points,
      placeOf: view.placeOf,
      size: size(),
      colours: coloursOf(host),
    });
  }

  /** @param {import("./canvas-layer.js").Pen} pen */
  function above(pen) {
    const colours = coloursOf(host);
    // Where the marks are too small to tell classes apart, names do.
    const hasNames = view.part().zoomed < NAMES_UP_TO || size() < SMALLEST_MARK;
    for (const name of hasNames ? names : []) write(pen, name.text, view.placeOf(name), colours);
    const ringed = emphasised ?? pointer.pointed();
    if (!ringed) return;
    ring(pen, view.placeOf(ringed), ringAround(size(), RING_GAP), colours.ink);
  }

  /** @param {Part} part */
  function moved(part) {
    // A map that is being dragged may outlive its view.
    if (signal.aborted) return;
    paper.redraw();
    const pointed = pointer.pointed();
    if (pointed) told(view.isInSight(pointed) ? pointed : null);
    watchers.move(part);
  }

  /** @param {MapPoint | null} point */
  function told(point) {
    paper.retouch();
    watchers.point(point, point ? view.placeOf(point) : [0, 0]);
  }

  /** The points in sight, or nearly. @param {number} [beyond] in pixels */
  function inSight(beyond) {
    return shown.filter((point) => view.isInSight(point, beyond));
  }

  /** @param {number} factor */
  function zoomBy(factor) {
    const pointed = pointer.pointed();
    view.zoomBy(factor, pointed ? view.placeOf(pointed) : undefined);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Links in the card beside a point keep their keys; Escape leads back from there.
    if (event.target !== host && event.key !== "Escape") return;
    const pointed = pointer.pointed();
    if (event.key === "ArrowLeft") pointer.walk([-1, 0]);
    else if (event.key === "ArrowRight") pointer.walk([1, 0]);
    else if (event.key === "ArrowUp") pointer.walk([0, -1]);
    else if (event.key === "ArrowDown") pointer.walk([0, 1]);
    else if (event.key === "+" || event.key === "=") zoomBy(STEP);
    else if (event.key === "-") zoomBy(1 / STEP);
    else if (event.key === "0") view.reset();
    else if (event.key === "Escape") pointer.at(null);
    else if (event.key === "Enter" && pointed) watchers.open(pointed);
    else return;
    event.preventDefault();
  }

  return {
    zoomBy,
    reset: view.reset,
    inSight,
    /** Show only these. @param {MapPoint[]} chosen */
    show(chosen) {
      shown = chosen;
      names = namesOn(chosen);
      pointer.among(chosen);
      moved(view.part());
    },
    /** Emphasise a point. @param {MapPoint | null} point */
    emphasise(point) {
      emphasised = point;
      paper.retouch();
    },
  };
}
