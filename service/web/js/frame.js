/** From the coordinates of the map to pixels. */

const { d3 } = globalThis;

const MARGIN = 28;

/**
 * @typedef {object} Frame from the map's coordinates to pixels before any zooming
 * @property {(x: number) => number} x
 * @property {(y: number) => number} y
 */

/** @typedef {import("./points.js").MapPoint} MapPoint */

/**
 * Both axes alike, and the whole map in the middle.
 *
 * @param {MapPoint[]} points
 * @param {number} width
 * @param {number} height
 * @returns {Frame}
 */
export function framed(points, width, height) {
  const [left, right] = d3.extent(points, (/** @type {MapPoint} */ { x }) => x);
  const [low, high] = d3.extent(points, (/** @type {MapPoint} */ { y }) => y);
  const room = [Math.max(width - 2 * MARGIN, 1), Math.max(height - 2 * MARGIN, 1)];
  const scale = Math.min(room[0] / (right - left || 1), room[1] / (high - low || 1));
  const [x, y] = [(left + right) / 2, (low + high) / 2];
  return {
    x: (value) => width / 2 + (value - x) * scale,
    y: (value) => height / 2 - (value - y) * scale,
  };
}
