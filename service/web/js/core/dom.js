/**
 * Making elements. Styles are set through the object model, since the content security policy
 * forbids them in attributes.
 */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Make an HTML element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [given] attributes; functions listen, `style` is an object of
 *   properties; what is null, undefined or false is left out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, given = {}, ...children) {
  return furnished(document.createElement(tag), given, children);
}

/**
 * Make an SVG element, likewise.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [given]
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function drawn(tag, given = {}, ...children) {
  return furnished(/** @type {SVGElement} */ (document.createElementNS(SVG, tag)), given, children);
}

/** What stands between backticks is code. @param {string} text */
export function marked(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

/**
 * @template {HTMLElement | SVGElement} Made
 * @param {Made} made
 * @param {Record<string, unknown>} given
 * @param {Child[]} children
 * @returns {Made}
 */
function furnished(made, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      made.addEventListener(name, /** @type {EventListener} */ (value));
    } else if (name === "style") {
      for (const [property, each] of Object.entries(value)) {
        made.style.setProperty(property, String(each));
      }
    } else {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  made.append(...present(children));
  return made;
}

/**
 * The children that are there; numbers become text.
 *
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function present(children) {
  return children
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
