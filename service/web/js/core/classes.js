/** Classes of the collection, each with a colour and a symbol. */

import { element, svg } from "./dom.js";
import { symbolPath, SYMBOLS } from "./symbols.js";

/** Number of the custom properties `--class-…`; it is the number of the colour of no class, too. */
export const COLOURS = 7;

/**
 * @typedef {object} ClassStyle
 * @property {number} colour number of the custom property `--class-…`
 * @property {any} symbol D3 symbol type
 */

/** @type {Map<string, ClassStyle>} */
let styles = new Map();

/** @param {string[]} classes in the order of the model's outputs */
export function setClasses(classes) {
  styles = new Map(classes.map((label, index) => [label, styleAt(index)]));
}

/** Return all classes, in the order of the model's outputs. */
export function allClasses() {
  return [...styles.keys()];
}

/**
 * Return the colour and the symbol of a class; images without a label, and classes that the model
 * does not have, are grey circles.
 *
 * @param {string | null} label
 * @returns {ClassStyle}
 */
export function classStyle(label) {
  return styles.get(label ?? "") ?? { colour: COLOURS, symbol: SYMBOLS[0] };
}

/**
 * Return the style at an index. Colours repeat after seven classes, each time with another symbol.
 *
 * @param {number} index
 * @returns {ClassStyle}
 */
function styleAt(index) {
  const cycle = Math.floor(index / COLOURS);
  return { colour: index % COLOURS, symbol: SYMBOLS[(index + cycle) % SYMBOLS.length] };
}

/** Create the name of a class with its symbol. @param {string | null} label null for no label */
export function classTag(label) {
  return element("span", { class: "class" }, classSymbol(label), label ?? "no label");
}

/** Create the symbol of a class, in its colour. @param {string | null} label */
export function classSymbol(label) {
  const { colour, symbol } = classStyle(label);
  return svg(
    "svg",
    { class: `symbol class-${colour}`, viewBox: "-6 -6 12 12", "aria-hidden": "true" },
    svg("path", { d: symbolPath(symbol, 80)() }),
  );
}
