/** What accuracy costs: the networks that no other one beats in both accuracy and time. */

import { drawn } from "../core/dom.js";
import { number, percent } from "../core/format.js";
import { outline } from "../core/symbols.js";
import { axes, chart, shareOnAxis } from "./charts.js";

/** @typedef {import("./experiment-table.js").Experiment} Experiment */

const { d3 } = globalThis;

const HEIGHT = 360;
const FEWEST_TICKS = 3;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];

// The marks of the report; circles are own networks.
const MARKS = /** @type {Record<string, any>} */ ({
  transfer: d3.symbolSquare,
  distillation: d3.symbolDiamond,
});

/** The networks that no other one beats, the fastest first. @param {Experiment[]} measured */
export function frontier(measured) {
  /** @type {Experiment[]} */
  const kept = [];
  const sorted = [...measured].sort((a, b) => latency(a) - latency(b) || b.accuracy - a.accuracy);
  for (const each of sorted) {
    if (kept.length === 0 || each.accuracy > kept[kept.length - 1].accuracy) kept.push(each);
  }
  return kept;
}

/** What an experiment reached, and in what time. @param {Experiment} experiment */
export function achieved(experiment) {
  return `${percent(experiment.accuracy)} in ${number(latency(experiment), 1)} ms`;
}

/**
 * @param {Experiment[]} measured those with accuracy and cost
 * @param {string} published
 * @param {(experiment: Experiment) => void} open
 * @param {AbortSignal} signal
 */
export function paretoChart(measured, published, open, signal) {
  const best = frontier(measured);
  const said = best.map((each) => `${each.name} ${achieved(each)}`).join("; ");
  const description =
    "Accuracy of each network against its time for one photograph. " +
    `Not beaten in both: ${said}.`;

  /** @type {import("./charts.js").Draw} */
  function draw(picture, area) {
    const [x, y] = scales(measured, area);
    axes(
      picture,
      area,
      {
        scale: x,
        title: "milliseconds for one photograph (logarithmic)",
        ticks: stepsWithin(x.domain()),
        format: String,
      },
      { scale: y, title: "accuracy", format: shareOnAxis },
    );
    const places = best.map((each) => [x(latency(each)), y(each.accuracy)]);
    picture.append(
      drawn("path", { class: "frontier", d: d3.line().curve(d3.curveStepAfter)(places) }),
      ...measured.map((each) => {
        const point = network(each, best.includes(each), each.name === published);
        point.setAttribute("transform", `translate(${x(latency(each))} ${y(each.accuracy)})`);
        point.addEventListener("click", () => open(each));
        return point;
      }),
      ...places.map(([left, top], index) =>
        drawn("text", { class: "name", x: left - 7, y: top - 7, "text-anchor": "end" }, index + 1),
      ),
    );
  }

  return chart(description, HEIGHT, draw, signal);
}

/**
 * Logarithmic to the right, linear upwards, with some room around.
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

/** Where so few steps lie between the bounds, others do. @param {[number, number]} bounds */
function stepsWithin([low, high]) {
  const steps = STEPS.filter((step) => step >= low && step <= high);
  return steps.length >= FEWEST_TICKS ? steps : d3.ticks(low, high, FEWEST_TICKS + 1);
}

/** @param {Experiment} experiment @param {boolean} isBest @param {boolean} isPublished */
function network(experiment, isBest, isPublished) {
  const mark = MARKS[experiment.family] ?? d3.symbolCircle;
  return drawn(
    "path",
    {
      class: `network${isBest ? " best" : ""}${isPublished ? " published" : ""}`,
      d: outline(mark, 90)(),
    },
    drawn("title", {}, `${experiment.name}: ${achieved(experiment)}`),
  );
}

/** @param {Experiment} experiment */
function latency(experiment) {
  return /** @type {{ latency_ms: number }} */ (experiment.cost).latency_ms;
}
