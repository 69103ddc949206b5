/** Projection from map coordinates to pixels, before zooming. */

const { d3 } = globalThis;

const MARGIN = 28;

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./points.js").MapPosition} MapPosition
 * @typedef {[number, number]} Pixels from the upper left corner
 *
 * @typedef {object} Projection
 * @property {number} scale pixels per map unit
 * @property {(position: MapPosition) => Pixels} toPixels
 * @property {(pixels: Pixels) => MapPosition} toMap
 *
 * @typedef {MapPosition & { text: string }} ClassLabel
 */

/**
 * Return the projection that centres all points, with the same scale on both axes.
 *
 * @param {MapPoint[]} points
 * @param {number} width
 * @param {number} height
 * @returns {Projection}
 */
export function projection(points, width, height) {
  const [left, right] = d3.extent(points, (/** @type {MapPoint} */ { x }) => x);
  const [low, high] = d3.extent(points, (/** @type {MapPoint} */ { y }) => y);
  const available = [Math.max(width - 2 * MARGIN, 1), Math.max(height - 2 * MARGIN, 1)];
  const scale = Math.min(available[0] / (right - left || 1), available[1] / (high - low || 1));
  const centre = { x: (left + right) / 2, y: (low + high) / 2 };
  return {
    scale,
    toPixels: ({ x, y }) => [
      width / 2 + (x - centre.x) * scale,
      height / 2 - (y - centre.y) * scale,
    ],
    toMap: ([x, y]) => ({
      x: centre.x + (x - width / 2) / scale,
      y: centre.y - (y - height / 2) / scale,
    }),
  };
}

/**
 * Return the names of the classes, each at the median position of its images.
 *
 * @param {MapPoint[]} points
 * @returns {ClassLabel[]}
 */
export function classLabels(points) {
  const groups = d3
    .nest()
    .key((/** @type {MapPoint} */ point) => point.label)
    .entries(points.filter(({ label }) => label !== null));
  return groups.map((/** @type {{ key: string, values: MapPoint[] }} */ { key, values }) => ({
    x: d3.median(values, (/** @type {MapPoint} */ point) => point.x),
    y: d3.median(values, (/** @type {MapPoint} */ point) => point.y),
    text: key,
  }));
}
