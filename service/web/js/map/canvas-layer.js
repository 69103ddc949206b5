/**
 * A canvas that fills an element and is sharp on its screen. What seldom changes is kept as a
 * picture, so that what lies over it can change without painting it anew.
 */

import { element } from "../core/dom.js";

/**
 * @typedef {CanvasRenderingContext2D} Pen
 *
 * @typedef {object} Painters
 * @property {(width: number, height: number) => void} fit the size has changed
 * @property {(pen: Pen) => Iterator<void>} below paints the picture, in steps that fit into a frame
 * @property {(pen: Pen) => void} above
 */

const dark = matchMedia("(prefers-color-scheme: dark)");

/**
 * @param {HTMLElement} host
 * @param {Painters} painters
 * @param {AbortSignal} signal ends it
 */
export function sheet(host, painters, signal) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const pen = penOf(canvas);
  const kept = penOf(element("canvas"));
  let isStale = true;
  /** @type {Iterator<void> | null} */
  let painting = null;
  let waiting = 0;
  host.append(canvas);

  function fit() {
    const { clientWidth: width, clientHeight: height } = host;
    if (width === 0 || height === 0) return;
    for (const { canvas } of [pen, kept]) {
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
    }
    painters.fit(width, height);
    isStale = true;
    // At once, since a canvas of a new size is empty.
    draw();
  }

  function draw() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    if (isStale) {
      wipe(kept);
      painting = painters.below(kept);
      isStale = false;
    }
    if (painting?.next().done) painting = null;
    wipe(pen);
    pen.drawImage(kept.canvas, 0, 0, host.clientWidth, host.clientHeight);
    painters.above(pen);
    if (painting) retouch();
  }

  /** @param {Pen} pen */
  function wipe(pen) {
    pen.resetTransform();
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.scale(canvas.width / host.clientWidth, canvas.height / host.clientHeight);
  }

  /** Draw what lies above anew, with the next frame. */
  function retouch() {
    waiting ||= requestAnimationFrame(draw);
  }

  /** Draw everything anew, with the next frame. */
  function redraw() {
    isStale = true;
    retouch();
  }

  const observer = new ResizeObserver(fit);
  observer.observe(host);
  whenDensityChanges(fit, signal);
  dark.addEventListener("change", redraw, { signal });
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(waiting);
  });
  return { canvas, redraw, retouch };
}

/** @param {HTMLCanvasElement} canvas */
function penOf(canvas) {
  return /** @type {Pen} */ (canvas.getContext("2d"));
}

/**
 * On another screen, or zoomed by the browser, a pixel may be more or less than before.
 *
 * @param {() => void} told
 * @param {AbortSignal} signal
 */
function whenDensityChanges(told, signal) {
  matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener(
    "change",
    () => {
      told();
      whenDensityChanges(told, signal);
    },
    { once: true, signal },
  );
}
