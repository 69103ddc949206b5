/** What charts have in common: a place that they fit, axes, and a text for who cannot see them. */

import { drawn, element } from "../core/dom.js";
import { percent } from "../core/format.js";

const { d3 } = globalThis;

const MARGINS = { top: 28, right: 16, bottom: 40, left: 52 };

/**
 * @typedef {object} Area
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 *
 * @typedef {(picture: SVGElement, area: Area) => void} Draw
 *
 * @typedef {object} Axis
 * @property {any} scale of D3
 * @property {string} title
 * @property {(value: number, digits: number) => string} [format] digits are those that tell its
 *   ticks apart
 * @property {number[]} [ticks]
 */

/**
 * A chart that is drawn anew whenever its width changes.
 *
 * @param {string} description for those who cannot see it
 * @param {number} height in pixels
 * @param {Draw} draw
 * @param {AbortSignal} signal
 */
export function chart(description, height, draw, signal) {
  const host = element("div", {
    class: "chart",
    role: "img",
    "aria-label": description,
    // From the beginning, or what is drawn would change the size that it is drawn for.
    style: { "min-height": `${height}px` },
  });
  const observer = new ResizeObserver(() => {
    const width = host.clientWidth;
    if (width === 0) return;
    const picture = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    host.replaceChildren(picture);
    const { top, right, bottom, left } = MARGINS;
    draw(picture, { left, right: width - right, top, bottom: height - bottom });
  });
  observer.observe(host);
  signal.addEventListener("abort", () => observer.disconnect());
  return host;
}

/**
 * Draw both axes with a grid.
 *
 * @param {SVGElement} picture
 * @param {Area} area
 * @param {Axis} x
 * @param {Axis} y
 */
export function axes(picture, { left, right, top, bottom }, x, y) {
  const across = ticked(d3.axisBottom(x.scale), x, Math.max((right - left) / 80, 2));
  const upward = ticked(d3.axisLeft(y.scale), y, 5).tickSizeInner(left - right);
  d3.select(picture)
    .append("g")
    .attr("class", "axis")
    .attr("transform", `translate(0 ${bottom})`)
    .call(across);
  d3.select(picture)
    .append("g")
    .attr("class", "axis grid")
    .attr("transform", `translate(${left} 0)`)
    .call(upward);
  picture.append(
    drawn("text", { class: "axis-title", x: right, y: bottom + 34, "text-anchor": "end" }, x.title),
    drawn("text", { class: "axis-title", x: left, y: top - 16 }, y.title),
  );
}

/** @param {any} axis @param {Axis} given @param {number} count */
function ticked(axis, { format, ticks }, count) {
  axis.ticks(count).tickSizeOuter(0).tickPadding(6);
  if (ticks) axis.tickValues(ticks);
  if (format) {
    const [low, high] = axis.scale().domain();
    const digits = d3.precisionFixed(d3.tickStep(low, high, count));
    axis.tickFormat((/** @type {number} */ value) => format(value, digits));
  }
  return axis;
}

/** A share on an axis, as a percentage. @param {number} share 0–1 @param {number} digits of it */
export function shareOnAxis(share, digits) {
  return percent(share, Math.max(digits - 2, 0));
}
