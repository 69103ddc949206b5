/**
 * Canvas that fills an element, in layers. All but the overlay are cached, so that the overlay can
 * change without drawing the others again.
 */

import { element } from "../core/dom.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {(ctx: Context) => Iterator<void>} Drawing in steps, one per frame
 *
 * @typedef {object} Layers
 * @property {(width: number, height: number) => void} resize
 * @property {Drawing} drawBackground
 * @property {() => number} [backgroundOpacity] default 1
 * @property {Drawing} [drawMarks] drawn on the background
 * @property {(ctx: Context) => void} drawOverlay
 *
 * @typedef {object} Cached layer
 * @property {Context} ctx
 * @property {Drawing} drawing
 * @property {boolean} isStale
 * @property {Iterator<void> | null} steps that are left
 */

const darkScheme = matchMedia("(prefers-color-scheme: dark)");

/**
 * @param {HTMLElement} host
 * @param {Layers} layers
 * @param {AbortSignal} signal
 */
export function canvasLayer(host, layers, signal) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const ctx = contextOf(canvas);
  const background = cached(layers.drawBackground);
  const marks = layers.drawMarks ? cached(layers.drawMarks) : null;
  const allCached = [background, ...(marks ? [marks] : [])];
  let frame = 0;
  let hasSize = false;
  host.append(canvas);

  function resize() {
    const { clientWidth: width, clientHeight: height } = host;
    if (width === 0 || height === 0) return;
    for (const { canvas } of [ctx, ...allCached.map((layer) => layer.ctx)]) {
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
    }
    layers.resize(width, height);
    for (const layer of allCached) layer.isStale = true;
    hasSize = true;
    // In this frame, because resizing clears the canvas.
    draw();
  }

  function draw() {
    cancelAnimationFrame(frame);
    frame = 0;
    allCached.forEach(advance);
    clear(ctx);
    ctx.globalAlpha = layers.backgroundOpacity?.() ?? 1;
    show(background);
    ctx.globalAlpha = 1;
    if (marks) show(marks);
    layers.drawOverlay(ctx);
    if (allCached.some(({ steps }) => steps)) redrawOverlay();
  }

  /** Draw the next step of a layer. @param {Cached} layer */
  function advance(layer) {
    if (layer.isStale) {
      clear(layer.ctx);
      layer.steps = layer.drawing(layer.ctx);
      layer.isStale = false;
    }
    if (layer.steps?.next().done) layer.steps = null;
  }

  /** @param {Cached} layer */
  function show(layer) {
    ctx.drawImage(layer.ctx.canvas, 0, 0, host.clientWidth, host.clientHeight);
  }

  /** @param {Context} ctx */
  function clear(ctx) {
    ctx.resetTransform();
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.scale(canvas.width / host.clientWidth, canvas.height / host.clientHeight);
  }

  /** Draw the overlay in the next frame; the first size draws everything. */
  function redrawOverlay() {
    if (hasSize) frame ||= requestAnimationFrame(draw);
  }

  /** Draw the marks and the overlay in the next frame. */
  function redrawMarks() {
    if (marks) marks.isStale = true;
    redrawOverlay();
  }

  /** Draw all layers in the next frame. */
  function redraw() {
    background.isStale = true;
    redrawMarks();
  }

  const observer = new ResizeObserver(resize);
  observer.observe(host);
  onPixelRatioChange(resize, signal);
  darkScheme.addEventListener("change", redraw, { signal });
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  });
  return { canvas, redraw, redrawMarks, redrawOverlay };
}

/** @param {Drawing} drawing @returns {Cached} */
function cached(drawing) {
  return { ctx: contextOf(element("canvas")), drawing, isStale: true, steps: null };
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  return /** @type {Context} */ (canvas.getContext("2d"));
}

/**
 * Call a function when the device pixel ratio changes: on another screen, or with the browser's
 * zoom.
 *
 * @param {() => void} callback
 * @param {AbortSignal} signal
 */
function onPixelRatioChange(callback, signal) {
  matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener(
    "change",
    () => {
      callback();
      onPixelRatioChange(callback, signal);
    },
    { once: true, signal },
  );
}
