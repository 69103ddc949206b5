/** Pointing at points: with a mouse, a finger, or step by step. */

import { nextTowards } from "./keyboard-nav.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./projection.js").Place} Place
 */

const { d3 } = globalThis;

const REACH = 14;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ReturnType<typeof import("./viewport.js").viewport>} view
 * @param {(point: MapPoint | null) => void} told another one is pointed at, or none
 * @param {(point: MapPoint) => void} open
 */
export function pointing(canvas, view, told, open) {
  /** @type {MapPoint[]} */
  let points = [];
  /** @type {any} */
  let tree;
  /** @type {MapPoint | null} */
  let pointed = null;
  let isMouse = true;

  /** @param {MapPoint | null} point */
  function at(point) {
    if (point === pointed) return;
    pointed = point;
    told(point);
  }

  /** @param {Place} place @param {number} [reach] in pixels @returns {MapPoint | null} */
  function nearest(place, reach) {
    const { x, y } = view.spotAt(place);
    return tree.find(x, y, reach && view.lengthOf(reach)) ?? null;
  }

  canvas.addEventListener("pointermove", ({ pointerType, buttons, offsetX, offsetY }) => {
    if (pointerType === "mouse" && !buttons) at(nearest([offsetX, offsetY], REACH));
  });
  canvas.addEventListener("pointerleave", ({ pointerType }) => {
    // A finger leaves with every touch, and what it pointed at is to stay.
    if (pointerType === "mouse") at(null);
  });
  canvas.addEventListener("pointerdown", ({ pointerType }) => {
    isMouse = pointerType === "mouse";
  });
  canvas.addEventListener("click", ({ offsetX, offsetY }) => {
    const point = nearest([offsetX, offsetY], REACH);
    // A finger cannot hover: its first touch shows the card, the second one opens.
    if (point && (isMouse || point === pointed)) open(point);
    else at(point);
  });

  return {
    at,
    pointed: () => pointed,
    /** Only these can be pointed at. @param {MapPoint[]} chosen */
    among(chosen) {
      points = chosen;
      tree = d3
        .quadtree()
        .x((/** @type {MapPoint} */ { x }) => x)
        .y((/** @type {MapPoint} */ { y }) => y)
        .addAll(chosen);
      at(null);
    },
    /** Go to the next one, or begin in the middle. @param {Place} direction */
    walk(direction) {
      const next = pointed
        ? nextTowards(direction, points, view.placeOf, view.placeOf(pointed))
        : nearest(view.middle());
      if (!next) return;
      if (!view.isInSight(next)) view.moveTo(next);
      at(next);
    },
  };
}
