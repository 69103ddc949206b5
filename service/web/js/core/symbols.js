/** Symbols of the classes, as D3 symbol types of equal area. */

const { d3 } = globalThis;

/** @typedef {[number, number][]} Corners */

/** @type {Corners} */
const SQUARE = [
  [-1, -1],
  [1, -1],
  [1, 1],
  [-1, 1],
];
/** @type {Corners} */
const TRIANGLE = [
  [0, -2],
  [Math.sqrt(3), 1],
  [-Math.sqrt(3), 1],
];
/** @type {Corners} */
const PLUS = [
  [-1, -3],
  [1, -3],
  [1, -1],
  [3, -1],
  [3, 1],
  [1, 1],
  [1, 3],
  [-1, 3],
  [-1, 1],
  [-3, 1],
  [-3, -1],
  [-1, -1],
];

/** Symbols in the order of the notebook. */
export const SYMBOLS = [
  d3.symbolCircle,
  polygon(SQUARE),
  polygon(TRIANGLE),
  polygon(rotated(SQUARE, 45)),
  polygon(rotated(TRIANGLE, 180)),
  polygon(PLUS),
  polygon(rotated(PLUS, 45)),
];

/**
 * Return D3's path generator of a symbol.
 *
 * @param {any} symbol
 * @param {number} area in square pixels
 */
export function symbolPath(symbol, area) {
  return d3.symbol().type(symbol).size(area);
}

/** @param {Corners} corners */
function polygon(corners) {
  const ownArea = Math.abs(d3.polygonArea(corners));
  return {
    /** @param {Pick<Path2D, "moveTo" | "lineTo" | "closePath">} path @param {number} area */
    draw(path, area) {
      const scale = Math.sqrt(area / ownArea);
      path.moveTo(corners[0][0] * scale, corners[0][1] * scale);
      for (const [x, y] of corners.slice(1)) path.lineTo(x * scale, y * scale);
      path.closePath();
    },
  };
}

/** @param {Corners} corners @param {number} degrees @returns {Corners} */
function rotated(corners, degrees) {
  const [sine, cosine] = [Math.sin, Math.cos].map((each) => each((degrees * Math.PI) / 180));
  return corners.map(([x, y]) => [x * cosine - y * sine, x * sine + y * cosine]);
}
