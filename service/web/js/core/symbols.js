/** The marks of the classes, as D3 draws symbols: all cover the same area. */

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

/** The marks of the report, in its order. */
export const MARKS = [
  d3.symbolCircle,
  polygon(SQUARE),
  polygon(TRIANGLE),
  polygon(turned(SQUARE, 45)),
  polygon(turned(TRIANGLE, 180)),
  polygon(PLUS),
  polygon(turned(PLUS, 45)),
];

/** The outline of a mark. @param {any} mark @param {number} area in square pixels */
export function outline(mark, area) {
  return d3.symbol().type(mark).size(area);
}

/** @param {Corners} corners */
function polygon(corners) {
  const whole = Math.abs(d3.polygonArea(corners));
  return {
    /** @param {Pick<Path2D, "moveTo" | "lineTo" | "closePath">} path @param {number} area */
    draw(path, area) {
      const scale = Math.sqrt(area / whole);
      path.moveTo(corners[0][0] * scale, corners[0][1] * scale);
      for (const [x, y] of corners.slice(1)) path.lineTo(x * scale, y * scale);
      path.closePath();
    },
  };
}

/** @param {Corners} corners @param {number} degrees @returns {Corners} */
function turned(corners, degrees) {
  const [sine, cosine] = [Math.sin, Math.cos].map((each) => each((degrees * Math.PI) / 180));
  return corners.map(([x, y]) => [x * cosine - y * sine, x * sine + y * cosine]);
}
