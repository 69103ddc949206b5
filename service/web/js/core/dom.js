/**
 * Creation of DOM elements. Styles are set through the CSSOM, because the content security policy
 * forbids style attributes.
 */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Create an HTML element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [attributes] functions become event listeners, `style` is an
 *   object of CSS properties; null, undefined and false are omitted
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/**
 * Create an SVG element.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] like those of `element`
 * @param {...Child} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  return build(
    /** @type {SVGElement} */ (document.createElementNS(SVG, tag)),
    attributes,
    children,
  );
}

/** Convert text between backticks to `code` elements. @param {string} text */
export function inlineCode(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

/**
 * @template {HTMLElement | SVGElement} Target
 * @param {Target} target
 * @param {Record<string, unknown>} attributes
 * @param {Child[]} children
 * @returns {Target}
 */
function build(target, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      target.addEventListener(name, /** @type {EventListener} */ (value));
    } else if (name === "style") {
      for (const [property, each] of Object.entries(value)) {
        target.style.setProperty(property, String(each));
      }
    } else {
      target.setAttribute(name, value === true ? "" : String(value));
    }
  }
  target.append(...toNodes(children));
  return target;
}

/**
 * Drop empty children, and convert numbers to text.
 *
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function toNodes(children) {
  return children
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}
