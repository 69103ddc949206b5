/** Scatter plot of the points, with zooming, panning, hovering and keyboard navigation. */

import { canvasLayer } from "./canvas-layer.js";
import { hitTesting } from "./hit-testing.js";
import { classLabels } from "./projection.js";
import {
  drawPoints,
  drawRing,
  drawText,
  MIN_SYMBOL_RADIUS,
  pointRadius,
  ringRadius,
  themeColours,
} from "./renderer.js";
import { viewport } from "./viewport.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./viewport.js").Region} Region
 *
 * @typedef {object} Handlers
 * @property {(point: MapPoint) => void} onOpen
 * @property {(point: MapPoint | null, pixels: import("./projection.js").Pixels) => void} onHover
 * @property {(region: Region) => void} onMove
 */

/** Factor of one zoom step. */
export const ZOOM_STEP = 1.6;

const MAX_ZOOM_OF_LABELS = 3;
const RING_GAP = 4.5;

/**
 * Draw points into an element, and resize with it.
 *
 * @param {HTMLElement} host receives keyboard events
 * @param {MapPoint[]} points in a random order
 * @param {Handlers} handlers
 * @param {object} options
 * @param {Region} [options.initial] visible region
 * @param {AbortSignal} options.signal
 */
export function scatterPlot(host, points, { onOpen, onHover, onMove }, { initial, signal }) {
  let filtered = points;
  let labels = classLabels(points);
  /** @type {MapPoint | null} */
  let highlighted = null;

  const layer = canvasLayer(
    host,
    { resize: (...size) => view.resize(...size), drawBackground, drawOverlay },
    signal,
  );
  const view = viewport(layer.canvas, points, onRegionChange, initial);
  const hits = hitTesting(layer.canvas, view, onPointHover, onOpen);
  hits.setPoints(points);
  signal.addEventListener("abort", view.stop);
  host.addEventListener("keydown", onKey, { signal });

  const radius = () => pointRadius(view.areaPerPoint(), view.region().zoom);

  /** @param {import("./canvas-layer.js").Context} ctx */
  function drawBackground(ctx) {
    return drawPoints(ctx, {
      points: visiblePoints(radius()),
      toPixels: view.toPixels,
      radius: radius(),
      colours: themeColours(host),
    });
  }

  /** @param {import("./canvas-layer.js").Context} ctx */
  function drawOverlay(ctx) {
    const colours = themeColours(host);
    // While symbols are too small to tell classes apart, labels do.
    const hasLabels = view.region().zoom < MAX_ZOOM_OF_LABELS || radius() < MIN_SYMBOL_RADIUS;
    for (const label of hasLabels ? labels : []) {
      drawText(ctx, label.text, view.toPixels(label), colours);
    }
    const ringed = highlighted ?? hits.hovered();
    if (!ringed) return;
    drawRing(ctx, view.toPixels(ringed), ringRadius(radius(), RING_GAP), colours.text);
  }

  /** @param {Region} region */
  function onRegionChange(region) {
    // A drag may continue after the view was left.
    if (signal.aborted) return;
    layer.redraw();
    const hovered = hits.hovered();
    if (hovered) onPointHover(view.isVisible(hovered) ? hovered : null);
    onMove(region);
  }

  /** @param {MapPoint | null} point */
  function onPointHover(point) {
    layer.redrawOverlay();
    onHover(point, point ? view.toPixels(point) : [0, 0]);
  }

  /** Return the visible points. @param {number} [margin] in pixels */
  function visiblePoints(margin) {
    return filtered.filter((point) => view.isVisible(point, margin));
  }

  /** @param {number} factor */
  function zoomBy(factor) {
    const hovered = hits.hovered();
    view.zoomBy(factor, hovered ? view.toPixels(hovered) : undefined);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Links in the hover card handle their own keys; Escape returns from there to the map.
    if (event.target !== host && event.key !== "Escape") return;
    const hovered = hits.hovered();
    if (event.key === "ArrowLeft") hits.step([-1, 0]);
    else if (event.key === "ArrowRight") hits.step([1, 0]);
    else if (event.key === "ArrowUp") hits.step([0, -1]);
    else if (event.key === "ArrowDown") hits.step([0, 1]);
    else if (event.key === "+" || event.key === "=") zoomBy(ZOOM_STEP);
    else if (event.key === "-") zoomBy(1 / ZOOM_STEP);
    else if (event.key === "0") view.reset();
    else if (event.key === "Escape") hits.hover(null);
    else if (event.key === "Enter" && hovered) onOpen(hovered);
    else return;
    event.preventDefault();
  }

  return {
    zoomBy,
    reset: view.reset,
    visiblePoints,
    /** Show a subset of the points. @param {MapPoint[]} subset */
    setPoints(subset) {
      filtered = subset;
      labels = classLabels(subset);
      hits.setPoints(subset);
      onRegionChange(view.region());
    },
    /** Draw a ring around a point. @param {MapPoint | null} point null for none */
    highlight(point) {
      highlighted = point;
      layer.redrawOverlay();
    },
  };
}
