/** Charts: an SVG element that follows the width of its container, and axes. */

import { element, svg } from "../core/dom.js";
import { percent } from "../core/format.js";

const { d3 } = globalThis;

const MARGINS = { top: 28, right: 16, bottom: 40, left: 52 };

/**
 * @typedef {object} Area of the plot, inside the margins, in pixels
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 *
 * @typedef {(root: SVGElement, area: Area) => void} Draw
 *
 * @typedef {object} Axis
 * @property {any} scale D3 scale
 * @property {string} title
 * @property {(value: number, digits: number) => string} [format] formats a tick with as many digits
 *   as are needed to tell the ticks apart
 * @property {number[]} [ticks]
 */

/**
 * Create a chart that is drawn again when its width changes.
 *
 * @param {string} description text alternative
 * @param {number} height in pixels
 * @param {Draw} draw
 * @param {AbortSignal} signal
 */
export function chart(description, height, draw, signal) {
  const host = element("div", {
    class: "chart",
    role: "img",
    "aria-label": description,
    // Reserved at once; otherwise drawing would change the layout that it was drawn for.
    style: { "min-height": `${height}px` },
  });
  const observer = new ResizeObserver(() => {
    const width = host.clientWidth;
    if (width === 0) return;
    const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    host.replaceChildren(root);
    const { top, right, bottom, left } = MARGINS;
    draw(root, { left, right: width - right, top, bottom: height - bottom });
  });
  observer.observe(host);
  signal.addEventListener("abort", () => observer.disconnect());
  return host;
}

/**
 * Draw both axes and horizontal grid lines.
 *
 * @param {SVGElement} root
 * @param {Area} area
 * @param {Axis} x
 * @param {Axis} y
 */
export function drawAxes(root, { left, right, top, bottom }, x, y) {
  const horizontal = withTicks(d3.axisBottom(x.scale), x, Math.max((right - left) / 80, 2));
  const vertical = withTicks(d3.axisLeft(y.scale), y, 5).tickSizeInner(left - right);
  d3.select(root)
    .append("g")
    .attr("class", "axis")
    .attr("transform", `translate(0 ${bottom})`)
    .call(horizontal);
  d3.select(root)
    .append("g")
    .attr("class", "axis grid")
    .attr("transform", `translate(${left} 0)`)
    .call(vertical);
  root.append(
    svg("text", { class: "axis-title", x: right, y: bottom + 34, "text-anchor": "end" }, x.title),
    svg("text", { class: "axis-title", x: left, y: top - 16 }, y.title),
  );
}

/** @param {any} axis D3 axis @param {Axis} options @param {number} count */
function withTicks(axis, { format, ticks }, count) {
  axis.ticks(count).tickSizeOuter(0).tickPadding(6);
  if (ticks) axis.tickValues(ticks);
  if (format) {
    const [low, high] = axis.scale().domain();
    const digits = d3.precisionFixed(d3.tickStep(low, high, count));
    axis.tickFormat((/** @type {number} */ value) => format(value, digits));
  }
  return axis;
}

/** Format a tick as a percentage. @param {number} share 0–1 @param {number} digits of the share */
export function percentTick(share, digits) {
  return percent(share, Math.max(digits - 2, 0));
}
