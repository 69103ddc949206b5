/** The picture of the map. */

import { lookOf, outline } from "./classes.js";
import { isWrong } from "./points.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {[number, number]} Place in pixels from the upper left corner
 * @typedef {CanvasRenderingContext2D} Pen
 *
 * @typedef {object} Mark a place that is emphasised; the first one is what the map is about
 * @property {number} x
 * @property {number} y
 * @property {string} name
 *
 * @typedef {object} Scene
 * @property {MapPoint[]} points
 * @property {(point: MapPoint | Mark) => Place} placeOf
 * @property {number} size radius of a point in pixels
 * @property {MapPoint | null} pointed
 * @property {Mark[]} marks
 * @property {Mark[]} names written on the map
 *
 * @typedef {object} Colours
 * @property {string} ink
 * @property {string} ground
 * @property {string} accent
 * @property {string[]} classes
 */

const { d3 } = globalThis;

const RING = 1.8;
const RING_GAP = 2.5;

/**
 * Radius of a point: smaller where many share little room, growing slower than the map is zoomed.
 *
 * @param {number} room of a point, in square pixels
 * @param {number} zoomed
 */
export function sizeOf(room, zoomed) {
  const whole = Math.min(Math.max(0.18 * Math.sqrt(room), 1.3), 5);
  return Math.min(whole * zoomed ** 0.45, 11);
}

/** @param {Pen} pen @param {Scene} scene */
export function paint(pen, scene) {
  const { placeOf, size, marks, names, pointed } = scene;
  const colours = coloursOf(pen.canvas);
  pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height);
  pen.globalAlpha = marks.length > 0 ? 0.4 : 0.9;
  paintPoints(pen, scene, colours);
  pen.globalAlpha = 1;
  for (const each of names) write(pen, each.name, placeOf(each), colours);
  if (marks.length > 0) paintMarks(pen, scene, colours);
  if (pointed) ring(pen, placeOf(pointed), size + 5, colours.ink);
}

/** @param {HTMLElement} place @returns {Colours} what the style sheet says now */
function coloursOf(place) {
  const style = getComputedStyle(place);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    ink: colour("--ink"),
    ground: colour("--ground"),
    accent: colour("--accent"),
    classes: d3.range(7).map((/** @type {number} */ index) => colour(`--class-${index}`)),
  };
}

/**
 * Each point has the mark and colour of its class. What the network gets wrong lies on top, with a
 * ring in the colour of the class that it was taken for.
 *
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {Colours} colours
 */
function paintPoints(pen, { points, placeOf, size }, colours) {
  for (const wrong of [false, true]) {
    for (const point of points) {
      if (isWrong(point) !== wrong) continue;
      const place = placeOf(point);
      const { colour, mark } = lookOf(point.label);
      pen.fillStyle = colours.classes[colour];
      fill(pen, mark, place, size);
      if (!wrong) continue;
      ring(pen, place, size + RING_GAP, colours.classes[lookOf(point.predicted).colour], RING);
    }
  }
}

/** @param {Pen} pen @param {any} mark @param {Place} place @param {number} size */
function fill(pen, mark, [x, y], size) {
  pen.beginPath();
  if (mark === d3.symbolCircle) {
    pen.arc(x, y, size, 0, 2 * Math.PI);
  } else {
    pen.translate(x, y);
    outline(mark, Math.PI * size ** 2).context(pen)();
    pen.translate(-x, -y);
  }
  pen.fill();
}

/**
 * Where the names of the classes belong: in the middle of their photographs.
 *
 * @param {MapPoint[]} points
 * @returns {Mark[]}
 */
export function namesOn(points) {
  const members = d3
    .nest()
    .key((/** @type {MapPoint} */ point) => point.label)
    .entries(points);
  return members.map((/** @type {{ key: string, values: MapPoint[] }} */ { key, values }) => ({
    x: d3.median(values, (/** @type {MapPoint} */ point) => point.x),
    y: d3.median(values, (/** @type {MapPoint} */ point) => point.y),
    name: key,
  }));
}

/**
 * What the map is about, and lines to the others.
 *
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {Colours} colours
 */
function paintMarks(pen, { marks, placeOf, size }, colours) {
  const [first, ...others] = marks.map(placeOf);
  pen.lineWidth = 1;
  pen.strokeStyle = colours.ink;
  for (const place of others) {
    pen.beginPath();
    pen.moveTo(...first);
    pen.lineTo(...place);
    pen.stroke();
  }
  for (const place of others) ring(pen, place, size + 4, colours.ink);
  pen.beginPath();
  pen.arc(...first, size + 4, 0, 2 * Math.PI);
  pen.fillStyle = colours.accent;
  pen.fill();
  ring(pen, first, size + 4, colours.ground);
  write(pen, marks[0].name, [first[0], first[1] - size - 16], colours);
}

/**
 * @param {Pen} pen
 * @param {Place} place
 * @param {number} radius
 * @param {string} colour
 * @param {number} [width]
 */
function ring(pen, [x, y], radius, colour, width = 2) {
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
function write(pen, text, [x, y], colours) {
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
