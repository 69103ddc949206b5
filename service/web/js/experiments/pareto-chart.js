/** Chart of accuracy against latency, with the Pareto frontier. */

import { svg } from "../core/dom.js";
import { number, percent } from "../core/format.js";
import { symbolPath } from "../core/symbols.js";
import { chart, drawAxes, percentTick } from "./charts.js";

/** @typedef {import("./experiment-table.js").Experiment} Experiment */

const { d3 } = globalThis;

const HEIGHT = 360;
const MIN_TICKS = 3;
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];

// The symbols of the notebook; circles are models trained from scratch.
const SYMBOLS = /** @type {Record<string, any>} */ ({
  transfer: d3.symbolSquare,
  distillation: d3.symbolDiamond,
});

/**
 * Return the experiments that no other one exceeds in both accuracy and speed, fastest first.
 *
 * @param {Experiment[]} measured
 */
export function paretoFrontier(measured) {
  /** @type {Experiment[]} */
  const frontier = [];
  const sorted = [...measured].sort((a, b) => latency(a) - latency(b) || b.accuracy - a.accuracy);
  for (const each of sorted) {
    if (frontier.length === 0 || each.accuracy > frontier[frontier.length - 1].accuracy) {
      frontier.push(each);
    }
  }
  return frontier;
}

/** Format accuracy and latency. @param {Experiment} experiment */
export function accuracyAndLatency(experiment) {
  return `${percent(experiment.accuracy)} in ${number(latency(experiment), 1)} ms`;
}

/**
 * @param {Experiment[]} measured experiments with accuracy and latency
 * @param {string} published name of the published experiment
 * @param {(experiment: Experiment) => void} onOpen
 * @param {AbortSignal} signal
 */
export function paretoChart(measured, published, onOpen, signal) {
  const frontier = paretoFrontier(measured);
  const list = frontier.map((each) => `${each.name} ${accuracyAndLatency(each)}`).join("; ");
  const description = `Accuracy against latency for one image. Pareto frontier: ${list}.`;

  /** @type {import("./charts.js").Draw} */
  function draw(root, area) {
    const [x, y] = scales(measured, area);
    drawAxes(
      root,
      area,
      {
        scale: x,
        title: "milliseconds per image (logarithmic)",
        ticks: ticksWithin(x.domain()),
        format: String,
      },
      { scale: y, title: "accuracy", format: percentTick },
    );
    const positions = frontier.map((each) => [x(latency(each)), y(each.accuracy)]);
    root.append(
      svg("path", { class: "frontier", d: d3.line().curve(d3.curveStepAfter)(positions) }),
      ...measured.map((each) => {
        const point = marker(each, frontier.includes(each), each.name === published);
        point.setAttribute("transform", `translate(${x(latency(each))} ${y(each.accuracy)})`);
        point.addEventListener("click", () => onOpen(each));
        return point;
      }),
      ...positions.map(([left, top], index) =>
        numberOf(index + 1, left, top),
      ),
    );
  }

  return chart(description, HEIGHT, draw, signal);
}

/**
 * Return a logarithmic x scale and a linear y scale, with padding.
 *
 * @param {Experiment[]} measured
 * @param {import("./charts.js").Area} area
 */
function scales(measured, { left, right, top, bottom }) {
  const [fastest, slowest] = d3.extent(measured, latency);
  const [worst, best] = d3.extent(measured, (/** @type {Experiment} */ each) => each.accuracy);
  return [
    d3
      .scaleLog()
      .domain([fastest / 1.15, slowest * 1.15])
      .range([left, right]),
    d3
      .scaleLinear()
      .domain([worst - 0.02, Math.min(best + 0.02, 1)])
      .range([bottom, top]),
  ];
}

/**
 * Return round ticks, or D3's if fewer than three are within the domain.
 *
 * @param {[number, number]} domain
 */
function ticksWithin([low, high]) {
  const ticks = TICKS.filter((tick) => tick >= low && tick <= high);
  return ticks.length >= MIN_TICKS ? ticks : d3.ticks(low, high, MIN_TICKS + 1);
}

/**
 * Return the number of a model beside its point. Neighbours on the frontier are close, so that every
 * second number is below its point.
 *
 * @param {number} value
 * @param {number} x
 * @param {number} y
 */
function numberOf(value, x, y) {
  const place =
    value % 2 === 1
      ? { x: x - 7, y: y - 7, "text-anchor": "end" }
      : { x: x + 7, y: y + 16, "text-anchor": "start" };
  return svg("text", { class: "name", ...place }, value);
}

/** @param {Experiment} experiment @param {boolean} isOptimal @param {boolean} isPublished */
function marker(experiment, isOptimal, isPublished) {
  const symbol = SYMBOLS[experiment.family] ?? d3.symbolCircle;
  return svg(
    "path",
    {
      class: `model${isOptimal ? " optimal" : ""}${isPublished ? " published" : ""}`,
      d: symbolPath(symbol, 90)(),
    },
    svg("title", {}, `${experiment.name}: ${accuracyAndLatency(experiment)}`),
  );
}

/** @param {Experiment} experiment */
function latency(experiment) {
  return /** @type {{ latency_ms: number }} */ (experiment.cost).latency_ms;
}
