/**
 * Canvas that fills an element, in two layers. The background is cached, so that the overlay can
 * change without drawing the background again.
 */

import { element } from "../core/dom.js";

/**
 * @typedef {CanvasRenderingContext2D} Context
 *
 * @typedef {object} Layers
 * @property {(width: number, height: number) => void} resize
 * @property {(ctx: Context) => Iterator<void>} drawBackground in steps, one per frame
 * @property {(ctx: Context) => void} drawOverlay
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
  const background = contextOf(element("canvas"));
  let isStale = true;
  /** @type {Iterator<void> | null} */
  let steps = null;
  let frame = 0;
  host.append(canvas);

  function resize() {
    const { clientWidth: width, clientHeight: height } = host;
    if (width === 0 || height === 0) return;
    for (const { canvas } of [ctx, background]) {
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
    }
    layers.resize(width, height);
    isStale = true;
    // In this frame, because resizing clears the canvas.
    draw();
  }

  function draw() {
    cancelAnimationFrame(frame);
    frame = 0;
    if (isStale) {
      clear(background);
      steps = layers.drawBackground(background);
      isStale = false;
    }
    if (steps?.next().done) steps = null;
    clear(ctx);
    ctx.drawImage(background.canvas, 0, 0, host.clientWidth, host.clientHeight);
    layers.drawOverlay(ctx);
    if (steps) redrawOverlay();
  }

  /** @param {Context} ctx */
  function clear(ctx) {
    ctx.resetTransform();
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.scale(canvas.width / host.clientWidth, canvas.height / host.clientHeight);
  }

  /** Draw the overlay in the next frame. */
  function redrawOverlay() {
    frame ||= requestAnimationFrame(draw);
  }

  /** Draw both layers in the next frame. */
  function redraw() {
    isStale = true;
    redrawOverlay();
  }

  const observer = new ResizeObserver(resize);
  observer.observe(host);
  onPixelRatioChange(resize, signal);
  darkScheme.addEventListener("change", redraw, { signal });
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  });
  return { canvas, redraw, redrawOverlay };
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
