/** The classes of the collection: each has a colour and a mark. */

import { drawn, element } from "./dom.js";
import { MARKS, outline } from "./symbols.js";

/** How many custom properties `--class-…` there are. */
export const COLOURS = 7;

/**
 * @typedef {object} Look
 * @property {number} colour number of the custom property `--class-…`
 * @property {any} mark a symbol of D3
 */

/** @type {Map<string, Look>} */
let known = new Map();

/** @param {string[]} classes in the order of the network */
export function learnClasses(classes) {
  known = new Map(classes.map((label, index) => [label, look(index)]));
}

/** All classes, in the order of the network. */
export function allClasses() {
  return [...known.keys()];
}

/** @param {string} label @returns {Look} */
export function lookOf(label) {
  return known.get(label) ?? look(0);
}

/**
 * Colours come again after seven classes, each with another mark than before.
 *
 * @param {number} index
 * @returns {Look}
 */
function look(index) {
  const round = Math.floor(index / COLOURS);
  return { colour: index % COLOURS, mark: MARKS[(index + round) % MARKS.length] };
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
