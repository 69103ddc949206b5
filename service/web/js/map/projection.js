/** Where what the map shows belongs on a sheet of some size. */

const { d3 } = globalThis;

const MARGIN = 28;

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./points.js").Spot} Spot
 * @typedef {[number, number]} Place in pixels from the upper left corner
 *
 * @typedef {object} Frame between the map's coordinates and pixels before any zooming
 * @property {number} scale pixels of one unit
 * @property {(spot: Spot) => Place} toPixels
 * @property {(place: Place) => Spot} toMap
 *
 * @typedef {Spot & { text: string }} Name
 */

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
  const middle = { x: (left + right) / 2, y: (low + high) / 2 };
  return {
    scale,
    toPixels: ({ x, y }) => [
      width / 2 + (x - middle.x) * scale,
      height / 2 - (y - middle.y) * scale,
    ],
    toMap: ([x, y]) => ({
      x: middle.x + (x - width / 2) / scale,
      y: middle.y - (y - height / 2) / scale,
    }),
  };
}

/**
 * Where the names of the classes belong: in the middle of their photographs.
 *
 * @param {MapPoint[]} points
 * @returns {Name[]}
 */
export function namesOn(points) {
  const members = d3
    .nest()
    .key((/** @type {MapPoint} */ point) => point.label)
    .entries(points);
  return members.map((/** @type {{ key: string, values: MapPoint[] }} */ { key, values }) => ({
    x: d3.median(values, (/** @type {MapPoint} */ point) => point.x),
    y: d3.median(values, (/** @type {MapPoint} */ point) => point.y),
    text: key,
  }));
}
