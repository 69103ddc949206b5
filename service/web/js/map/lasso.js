/** Lasso: a closed line around points, drawn with the mouse, a pen or a finger. */

/**
 * @typedef {import("./points.js").MapPosition} MapPosition
 * @typedef {import("./projection.js").Pixels} Pixels
 *
 * @typedef {object} LassoHandlers
 * @property {() => void} onDraw called when the line changes
 * @property {(line: Pixels[], removes: boolean) => void} onClose
 */

// Least distance in pixels between two vertices, and least length of a line; a shorter one is a click.
const STEP = 3;
const MIN_VERTICES = 4;

/**
 * Let the user draw on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {(event: PointerEvent) => boolean} draws whether a pressed pointer draws a line
 * @param {LassoHandlers} handlers
 */
export function lasso(canvas, draws, { onDraw, onClose }) {
  /** @type {Pixels[]} */
  let line = [];
  /** @type {number | null} */
  let pointer = null;
  let wasDrawn = false;

  function cancel() {
    pointer = null;
    if (line.length === 0) return;
    line = [];
    onDraw();
  }

  canvas.addEventListener("pointerdown", (event) => {
    wasDrawn = false;
    // A second finger ends the line.
    if (pointer !== null) return cancel();
    if (event.button !== 0 || !draws(event)) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    line = [[event.offsetX, event.offsetY]];
  });
  canvas.addEventListener("pointermove", ({ pointerId, offsetX, offsetY }) => {
    if (pointerId !== pointer) return;
    const [x, y] = /** @type {Pixels} */ (line.at(-1));
    if (Math.hypot(offsetX - x, offsetY - y) < STEP) return;
    line.push([offsetX, offsetY]);
    onDraw();
  });
  canvas.addEventListener("pointerup", ({ pointerId, altKey }) => {
    if (pointerId !== pointer) return;
    const drawn = line;
    wasDrawn = drawn.length >= MIN_VERTICES;
    cancel();
    if (wasDrawn) onClose(drawn, altKey);
  });
  canvas.addEventListener("pointercancel", cancel);
  canvas.addEventListener("click", (event) => {
    // The end of a line is no click on a point.
    if (wasDrawn) event.stopImmediatePropagation();
    wasDrawn = false;
  });

  return {
    cancel,
    isDrawing: () => pointer !== null,
    /** Return the vertices drawn so far. */
    line: () => line,
  };
}

/**
 * Return a mask of the points inside a closed line: 1 for inside, by the even-odd rule.
 *
 * @param {MapPosition[]} points
 * @param {MapPosition[]} line vertices in map coordinates
 */
export function insideMask(points, line) {
  const mask = new Uint8Array(points.length);
  const xs = Float64Array.from(line, ({ x }) => x);
  const ys = Float64Array.from(line, ({ y }) => y);
  const [left, right] = extent(xs);
  const [low, high] = extent(ys);
  points.forEach(({ x, y }, index) => {
    if (x >= left && x <= right && y >= low && y <= high && isInside(x, y, xs, ys)) {
      mask[index] = 1;
    }
  });
  return mask;
}

/** @param {number} x @param {number} y @param {Float64Array} xs @param {Float64Array} ys */
function isInside(x, y, xs, ys) {
  let inside = false;
  for (let index = 0, before = xs.length - 1; index < xs.length; before = index, index += 1) {
    const crosses = ys[index] > y !== ys[before] > y;
    if (!crosses) continue;
    const share = (y - ys[index]) / (ys[before] - ys[index]);
    if (x < xs[index] + share * (xs[before] - xs[index])) inside = !inside;
  }
  return inside;
}

/** @param {Float64Array} values */
function extent(values) {
  return values.reduce(
    ([least, most], each) => [Math.min(least, each), Math.max(most, each)],
    [Infinity, -Infinity],
  );
}
