/** Scatter plot of the points: zooming, panning, hovering, selection and keyboard navigation. */

import { shortcutsEnabled } from "../core/shortcuts.js";
import { canvasLayer } from "./canvas-layer.js";
import { hitTesting } from "./hit-testing.js";
import { insideMask, lasso } from "./lasso.js";
import { classLabels } from "./projection.js";
import {
  drawLasso,
  drawPoints,
  drawRing,
  drawSelected,
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
 * @property {(point: MapPoint) => void} onToggle selects a point, or deselects it
 * @property {(points: MapPoint[]) => void} onSelect adds points to the selection
 * @property {(points: MapPoint[]) => void} onDeselect
 * @property {() => void} onClear clears the selection
 */

/** Factor of one zoom step. */
export const ZOOM_STEP = 1.6;

/** @type {Record<string, import("./projection.js").Pixels>} */
const DIRECTIONS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const MAX_ZOOM_OF_LABELS = 3;
const RING_GAP = 4.5;
// Opacity of the other points while some are selected.
const UNSELECTED_OPACITY = 0.35;

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
export function scatterPlot(host, points, handlers, { initial, signal }) {
  const { onOpen, onHover, onMove, onToggle, onSelect, onDeselect, onClear } = handlers;
  let filtered = points;
  /** @type {MapPoint[]} */
  let selected = [];
  let isSelecting = false;
  let labels = classLabels(points);
  /** @type {MapPoint | null} */
  let highlighted = null;

  const layer = canvasLayer(
    host,
    {
      resize: (...size) => view.resize(...size),
      drawBackground,
      backgroundOpacity: () => (selected.length > 0 ? UNSELECTED_OPACITY : 1),
      drawMarks,
      drawOverlay,
    },
    signal,
  );
  const view = viewport(layer.canvas, points, onRegionChange, (event) => !selects(event), initial);
  // Before the hit testing, because the end of a line is no click on a point.
  const drawn = lasso(layer.canvas, selects, { onDraw: layer.redrawOverlay, onClose });
  const hits = hitTesting(layer.canvas, view, {
    onHover: onPointHover,
    onOpen,
    onToggle,
    isSelecting: () => isSelecting,
  });
  hits.setPoints(points);
  signal.addEventListener("abort", view.stop);
  host.addEventListener("keydown", onKey, { signal });

  const radius = () => pointRadius(view.areaPerPoint(), view.region().zoom);

  /** Return whether a pressed pointer draws a lasso. @param {{ shiftKey: boolean }} event */
  function selects({ shiftKey }) {
    return shiftKey || isSelecting;
  }

  /** @param {import("./projection.js").Pixels[]} line @param {boolean} removes */
  function onClose(line, removes) {
    const mask = insideMask(filtered, line.map(view.toMap));
    const inside = filtered.filter((_, index) => mask[index]);
    if (removes) onDeselect(inside);
    else onSelect(inside);
  }

  /** @param {import("./canvas-layer.js").Context} ctx */
  function drawBackground(ctx) {
    return drawPoints(ctx, scene(filtered));
  }

  /** @param {import("./canvas-layer.js").Context} ctx */
  function drawMarks(ctx) {
    return drawSelected(ctx, scene(selected));
  }

  /** @param {MapPoint[]} shown */
  function scene(shown) {
    return {
      points: shown.filter((point) => view.isVisible(point, radius())),
      toPixels: view.toPixels,
      radius: radius(),
      colours: themeColours(host),
    };
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
    if (ringed) drawRing(ctx, view.toPixels(ringed), ringRadius(radius(), RING_GAP), colours.text);
    if (drawn.line().length > 1) drawLasso(ctx, drawn.line(), colours);
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

  /** Return the visible points. */
  function visiblePoints() {
    return filtered.filter((point) => view.isVisible(point));
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
    const direction = DIRECTIONS[event.key];
    if (direction) hits.step(direction);
    else if (event.key === "+" || event.key === "=") zoomBy(ZOOM_STEP);
    else if (event.key === "-") zoomBy(1 / ZOOM_STEP);
    else if (event.key === "0") view.reset();
    else if (event.key === "Escape") escape();
    else if (event.key === "Enter" && hovered) onOpen(hovered);
    else if (event.key === " " && hovered) onToggle(hovered);
    else if (event.key === "a" && shortcutsEnabled()) onSelect(filtered);
    else return;
    event.preventDefault();
  }

  /** Cancel a lasso, otherwise leave the hovered point, otherwise clear the selection. */
  function escape() {
    if (drawn.isDrawing()) drawn.cancel();
    else if (hits.hovered()) hits.hover(null);
    else onClear();
  }

  return {
    zoomBy,
    reset: view.reset,
    fit: view.fit,
    visiblePoints,
    /** Show a subset of the points. @param {MapPoint[]} subset */
    setPoints(subset) {
      filtered = subset;
      labels = classLabels(subset);
      hits.setPoints(subset);
      onRegionChange(view.region());
    },
    /** Mark points as selected, and dim the others. @param {MapPoint[]} points */
    setSelected(points) {
      if (selected.length === 0 && points.length === 0) return;
      selected = points;
      layer.redrawMarks();
    },
    /** Select with each click, and draw a lasso with each drag. @param {boolean} value */
    setSelecting(value) {
      isSelecting = value;
      if (!value) drawn.cancel();
    },
    /** Draw a ring around a point. @param {MapPoint | null} point null for none */
    highlight(point) {
      highlighted = point;
      layer.redrawOverlay();
    },
  };
}
