/** What accuracy costs: the networks that no other one beats in both accuracy and time. */

import { axes, chart } from "./charts.js";
import { outline } from "./classes.js";
import { drawn } from "./element.js";
import { number, percent } from "./words.js";

/** @typedef {import("./experiment-table.js").Experiment} Experiment */

const { d3 } = globalThis;

const HEIGHT = 360;
const ROOM = 0.02;

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

/**
 * @param {Experiment[]} measured those with accuracy and cost
 * @param {string} published
 * @param {(experiment: Experiment) => void} open
 * @param {AbortSignal} signal
 */
export function paretoChart(measured, published, open, signal) {
  const best = frontier(measured);
  const said = best.map((each) => `${each.name} ${percent(each.accuracy)} in ${number(latency(each), 1)} ms`);
  return chart(
    `Accuracy of each network against its time for one photograph. Not beaten in both: ${said.join("; ")}.`,
    HEIGHT,
    (picture, area) => {
      const [fastest, slowest] = d3.extent(measured, latency);
      const [worst, top] = d3.extent(measured, (/** @type {Experiment} */ each) => each.accuracy);
      const x = d3.scaleLog().domain([fastest / 1.15, slowest * 1.15]).range([area.left, area.right]);
      const y = d3.scaleLinear().domain([worst - ROOM, Math.min(top + ROOM, 1)]).range([area.bottom, area.top]);
      axes(
        picture,
        area,
        { scale: x, title: "milliseconds for one photograph (logarithmic)", ticks: steps(fastest, slowest), format: String },
        { scale: y, title: "accuracy", format: (value) => percent(value, 0) },
      );
      const line = d3.line().x((/** @type {Experiment} */ each) => x(latency(each))).y((/** @type {Experiment} */ each) => y(each.accuracy));
      picture.append(drawn("path", { class: "frontier", d: line.curve(d3.curveStepAfter)(best) }));
      for (const each of measured) picture.append(point(each, x, y, best.includes(each), each.name === published, open));
      best.forEach((each, index) => {
        const place = { x: x(latency(each)) - 7, y: y(each.accuracy) - 7, "text-anchor": "end" };
        picture.append(drawn("text", { class: "name", ...place }, index + 1));
      });
    },
    signal,
  );
}

/** A point that opens its experiment. */
function point(
  /** @type {Experiment} */ experiment,
  /** @type {any} */ x,
  /** @type {any} */ y,
  /** @type {boolean} */ isBest,
  /** @type {boolean} */ isPublished,
  /** @type {(experiment: Experiment) => void} */ open,
) {
  const mark = MARKS[experiment.family] ?? d3.symbolCircle;
  const title = `${experiment.name}: ${percent(experiment.accuracy)} in ${number(latency(experiment), 1)} ms`;
  return drawn(
    "path",
    {
      class: `network${isBest ? " best" : ""}${isPublished ? " published" : ""}`,
      d: outline(mark, 90)(),
      transform: `translate(${x(latency(experiment))} ${y(experiment.accuracy)})`,
      click: () => open(experiment),
    },
    drawn("title", {}, title),
  );
}

/** Round numbers on a logarithmic axis. @param {number} least @param {number} most */
function steps(least, most) {
  return [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].filter((step) => step >= least / 1.15 && step <= most * 1.15);
}

/** @param {Experiment} experiment */
function latency(experiment) {
  return /** @type {{ latency_ms: number }} */ (experiment.cost).latency_ms;
}
