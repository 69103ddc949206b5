/** Hit testing: the point under the mouse or the finger, or reached with the arrow keys. */

import { nearestInDirection } from "./keyboard-nav.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./projection.js").Pixels} Pixels
 */

const { d3 } = globalThis;

const HIT_RADIUS = 14;

/**
 * @typedef {object} HitHandlers
 * @property {(point: MapPoint | null) => void} onHover
 * @property {(point: MapPoint) => void} onOpen
 * @property {(point: MapPoint) => void} onToggle selects a point, or deselects it
 * @property {() => boolean} isSelecting whether each click selects
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ReturnType<typeof import("./viewport.js").viewport>} view
 * @param {HitHandlers} handlers
 */
export function hitTesting(canvas, view, { onHover, onOpen, onToggle, isSelecting }) {
  /** @type {MapPoint[]} */
  let points = [];
  /** Created at the first use. @type {any} */
  let tree = null;
  /** @type {MapPoint | null} */
  let hovered = null;
  let isMouse = true;

  /** @param {MapPoint | null} point */
  function hover(point) {
    if (point === hovered) return;
    hovered = point;
    onHover(point);
  }

  /** @param {Pixels} pixels @param {number} [radius] in pixels @returns {MapPoint | null} */
  function nearest(pixels, radius) {
    const { x, y } = view.toMap(pixels);
    tree ??= treeOf(points);
    return tree.find(x, y, radius && view.toMapLength(radius)) ?? null;
  }

  canvas.addEventListener("pointermove", ({ pointerType, buttons, offsetX, offsetY }) => {
    if (pointerType === "mouse" && !buttons) hover(nearest([offsetX, offsetY], HIT_RADIUS));
  });
  canvas.addEventListener("pointerleave", ({ pointerType }) => {
    // Every touch ends with this event, and its point must stay hovered.
    if (pointerType === "mouse") hover(null);
  });
  canvas.addEventListener("pointerdown", ({ pointerType }) => {
    isMouse = pointerType === "mouse";
  });
  canvas.addEventListener("click", ({ offsetX, offsetY, shiftKey }) => {
    const point = nearest([offsetX, offsetY], HIT_RADIUS);
    if (point && (shiftKey || isSelecting())) onToggle(point);
    // A finger cannot hover: the first touch shows the card, the second one opens the image.
    else if (point && (isMouse || point === hovered)) onOpen(point);
    else hover(point);
  });

  return {
    hover,
    hovered: () => hovered,
    /** Set the points that can be hit; a hovered one stays if it is among them. @param {MapPoint[]} visible */
    setPoints(visible) {
      points = visible;
      tree = null;
      if (hovered && !visible.includes(hovered)) hover(null);
    },
    /** Move to the next point; start at the centre. @param {Pixels} direction */
    step(direction) {
      const next = hovered
        ? nearestInDirection(direction, points, view.toPixels, view.toPixels(hovered))
        : nearest(view.centre());
      if (!next) return;
      if (!view.isVisible(next)) view.centreOn(next);
      hover(next);
    },
  };
}

/** @param {MapPoint[]} points */
function treeOf(points) {
  return d3
    .quadtree()
    .x((/** @type {MapPoint} */ { x }) => x)
    .y((/** @type {MapPoint} */ { y }) => y)
    .addAll(points);
}
