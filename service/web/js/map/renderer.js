/** The picture of the map: points, rings, names, and lines to what is near. */

import { COLOURS, lookOf } from "../core/classes.js";
import { MARKS } from "../core/symbols.js";
import { isWrong } from "./points.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./points.js").Spot} Spot
 * @typedef {import("./projection.js").Place} Place
 * @typedef {import("./canvas-layer.js").Pen} Pen
 *
 * @typedef {object} Scene
 * @property {MapPoint[]} points in a random order
 * @property {(spot: Spot) => Place} placeOf
 * @property {number} size radius of a point in pixels
 * @property {Colours} colours
 *
 * @typedef {object} Colours
 * @property {string} ink
 * @property {string} ground
 * @property {string} accent
 * @property {string[]} classes
 */

const LARGEST = 9;
const AT_ONCE = 5000;
const RING = 1.8;
const RING_GAP = 2;

/** From this radius on, in pixels, marks of classes differ to the eye; below all are circles. */
export const SMALLEST_MARK = 3.2;

/**
 * Radius of a point: smaller where many share little room, growing slower than the map is zoomed.
 *
 * @param {number} room of a point, in square pixels
 * @param {number} zoomed
 */
export function sizeOf(room, zoomed) {
  const whole = Math.min(Math.max(0.18 * Math.sqrt(room), 1.3), 5);
  return Math.min(whole * zoomed ** 0.45, LARGEST);
}

/**
 * Radius of a ring around a mark of any form.
 *
 * @param {number} size of the mark
 * @param {number} gap
 */
export function ringAround(size, gap) {
  return 1.3 * size + gap;
}

/** What the style sheet says now. @param {HTMLElement} place @returns {Colours} */
export function coloursOf(place) {
  const style = getComputedStyle(place);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    ink: colour("--ink"),
    ground: colour("--ground"),
    accent: colour("--accent"),
    classes: Array.from({ length: COLOURS }, (_, index) => colour(`--class-${index}`)),
  };
}

/**
 * Each point in the colour and with the mark of its class. What the network gets wrong lies on top,
 * with a ring in the colour of the class that it was taken for.
 *
 * Points come in a random order, so the first step already stands for all; what the next ones add
 * goes beneath it, but for errors.
 *
 * @param {Pen} pen
 * @param {Scene} scene
 * @returns {Generator<void>}
 */
export function* paintPoints(pen, scene) {
  const { points, placeOf, size, colours } = scene;
  const radius = ringAround(size, RING_GAP);
  for (let begin = 0; begin < points.length; begin += AT_ONCE) {
    if (begin > 0) yield;
    const some = points.slice(begin, begin + AT_ONCE);
    if (begin > 0) pen.globalCompositeOperation = "destination-over";
    for (const point of some) if (!isWrong(point)) stamp(pen, point, scene);
    pen.globalCompositeOperation = "source-over";
    for (const point of some.filter(isWrong)) {
      const colour = colours.classes[lookOf(point.predicted).colour];
      stamp(pen, point, scene);
      ring(pen, placeOf(point), radius, colour, RING);
    }
  }
}

/** @param {Pen} pen @param {MapPoint} point @param {Scene} scene */
function stamp(pen, point, { placeOf, size, colours }) {
  const [x, y] = placeOf(point);
  const { colour, mark } = lookOf(point.label);
  pen.fillStyle = colours.classes[colour];
  pen.beginPath();
  if (mark === MARKS[0] || size < SMALLEST_MARK) {
    pen.arc(x, y, size, 0, 2 * Math.PI);
  } else {
    pen.translate(x, y);
    mark.draw(pen, Math.PI * size ** 2);
    pen.translate(-x, -y);
  }
  pen.fill();
}

/**
 * A place, and lines from it to others.
 *
 * @param {Pen} pen
 * @param {Place} first
 * @param {Place[]} others
 * @param {number} radius in pixels
 * @param {Colours} colours
 */
export function paintLinks(pen, first, others, radius, colours) {
  pen.lineWidth = 1;
  pen.strokeStyle = colours.ink;
  for (const place of others) {
    pen.beginPath();
    pen.moveTo(...first);
    pen.lineTo(...place);
    pen.stroke();
  }
  for (const place of others) ring(pen, place, radius, colours.ink);
  pen.beginPath();
  pen.arc(...first, radius, 0, 2 * Math.PI);
  pen.fillStyle = colours.accent;
  pen.fill();
  ring(pen, first, radius, colours.ground);
}

/**
 * @param {Pen} pen
 * @param {Place} place
 * @param {number} radius
 * @param {string} colour
 * @param {number} [width]
 */
export function ring(pen, [x, y], radius, colour, width = 2) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.stroke();
}

/**
 * Text that can be read on points.
 *
 * @param {Pen} pen
 * @param {string} text
 * @param {Place} place
 * @param {Colours} colours
 */
export function write(pen, text, [x, y], colours) {
  pen.font = `600 14px ${getComputedStyle(pen.canvas).fontFamily}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 4;
  pen.strokeStyle = colours.ground;
  pen.strokeText(text, x, y);
  pen.fillStyle = colours.ink;
  pen.fillText(text, x, y);
}
