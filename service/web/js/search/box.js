/** Boxes: parts of an image, as fractions of its width and height. */

/**
 * @typedef {object} Box
 * @property {number} left 0–1
 * @property {number} top 0–1
 * @property {number} width 0–1
 * @property {number} height 0–1
 */

/** @type {Box} */
export const MIDDLE = { left: 0.25, top: 0.25, width: 0.5, height: 0.5 };

/** Least side of a box that is drawn; a box of an address may be smaller. */
export const LEAST = 0.05;

const DIGITS = 4;

/** Parse a box of an address; null without a valid one. @param {string | null} text `x,y,w,h` */
export function parseBox(text) {
  if (!text || !/^[\d.]+(,[\d.]+){3}$/.test(text)) return null;
  const [left, top, width, height] = text.split(",").map(Number);
  const isInside = width > 0 && height > 0 && left + width <= 1 && top + height <= 1;
  return isInside ? { left, top, width, height } : null;
}

/** Format a box as `x,y,w,h`. @param {Box} box */
export function formatBox({ left, top, width, height }) {
  const [right, bottom] = [rounded(left + width), rounded(top + height)];
  const start = [rounded(left), rounded(top)];
  return [...start, rounded(right - start[0]), rounded(bottom - start[1])].join(",");
}

/**
 * Return the box between two points of the image; a point outside is moved to the edge.
 *
 * @param {[number, number]} from
 * @param {[number, number]} to
 * @returns {Box}
 */
export function boxBetween(from, to) {
  const [x0, y0] = from.map(clamped);
  const [x1, y1] = to.map(clamped);
  return {
    left: Math.min(x0, x1),
    top: Math.min(y0, y1),
    width: Math.abs(x1 - x0),
    height: Math.abs(y1 - y0),
  };
}

/** Move a box inside the image. @param {Box} box @param {number} x @param {number} y */
export function moveBox({ left, top, width, height }, x, y) {
  return {
    left: Math.min(Math.max(0, left + x), 1 - width),
    top: Math.min(Math.max(0, top + y), 1 - height),
    width,
    height,
  };
}

/**
 * Move the right and the lower edge of a box.
 *
 * @param {Box} box
 * @param {number} x
 * @param {number} y
 */
export function resizeBox({ left, top, width, height }, x, y) {
  return {
    left,
    top,
    width: Math.min(Math.max(LEAST, width + x), 1 - left),
    height: Math.min(Math.max(LEAST, height + y), 1 - top),
  };
}

/** Return whether a box is large enough to search for. @param {Box} box */
export function isLargeEnough({ width, height }) {
  return Math.min(width, height) >= LEAST;
}

/** @param {number} fraction */
function clamped(fraction) {
  return Math.min(Math.max(0, fraction), 1);
}

/** @param {number} fraction */
function rounded(fraction) {
  return Number(fraction.toFixed(DIGITS));
}
