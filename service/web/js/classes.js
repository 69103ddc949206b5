/** The classes of the collection: each has a colour, and beyond the colours a mark of its own. */

import { drawn, element } from "./element.js";

const COLOURS = 7;

const { d3 } = globalThis;

// The marks of the report, in its order.
const MARKS = [
  d3.symbolCircle,
  d3.symbolSquare,
  d3.symbolTriangle,
  d3.symbolDiamond,
  d3.symbolWye,
  d3.symbolCross,
  d3.symbolStar,
];

/** @type {string[]} */
let known = [];

/** @param {string[]} classes in the order of the network */
export function learnClasses(classes) {
  known = classes;
}

/** All classes, in the order of the network. */
export function allClasses() {
  return known;
}

/**
 * @typedef {object} Look
 * @property {number} colour number of the custom property `--class-…`
 * @property {any} mark a symbol of D3
 */

/** @param {string} label @returns {Look} */
export function lookOf(label) {
  const index = Math.max(known.indexOf(label), 0);
  return {
    colour: index % COLOURS,
    mark: MARKS[Math.floor(index / COLOURS) % MARKS.length],
  };
}

/** The outline of a mark. @param {any} mark @param {number} area in square pixels */
export function outline(mark, area) {
  return d3.symbol().type(mark).size(area);
}

/** A class in its colour: mark and name. @param {string} label */
export function classTag(label) {
  return element("span", { class: "class" }, swatch(label), label);
}

/** The mark of a class in its colour. @param {string} label */
export function swatch(label) {
  const { colour, mark } = lookOf(label);
  return drawn(
    "svg",
    { class: `swatch look-${colour}`, viewBox: "-6 -6 12 12", "aria-hidden": "true" },
    drawn("path", { d: outline(mark, 80)() }),
  );
}
