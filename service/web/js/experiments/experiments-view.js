/** All experiments side by side. */

import { recall } from "../core/api.js";
import { element } from "../core/dom.js";
import { number, percent, plural } from "../core/format.js";
import { notice } from "../core/status.js";
import { addressOfExperiment, experimentTable } from "./experiment-table.js";
import { achieved, frontier, paretoChart } from "./pareto-chart.js";
import { figureTable } from "./tables.js";

/** @typedef {import("./experiment-table.js").Experiment} Experiment */

/** @type {import("../router.js").View} */
export async function experimentsView(place, { signal }) {
  const comparison = await recall("/experiments");
  if (signal.aborted) return;
  const { experiments, best, random_split: random } = comparison;
  if (experiments.length === 0) {
    place.replaceChildren(
      notice("No experiments", "Train some with `belvedere train` and publish again."),
    );
    return;
  }
  const measured = experiments.filter(
    (/** @type {Experiment} */ each) => each.accuracy != null && each.cost,
  );
  place.replaceChildren(
    element("h1", {}, plural(experiments.length, "experiment")),
    element(
      "p",
      { class: "lead" },
      `Trained on ${number(comparison.train)} photographs, ${number(comparison.tuning)} of them `,
      `held out for choices, and judged on ${number(comparison.validation)} others. Published is `,
      element("a", { href: addressOfExperiment(best) }, best),
      comparison.tuning > 0
        ? ", the best on those held out."
        : ", the one with the lowest loss on the photographs learned from.",
    ),
    ...(measured.length > 1 ? whatAccuracyCosts(measured, best, signal) : []),
    element("h2", {}, "The comparison"),
    experimentTable(experiments, best),
    ...(random.length > 0 ? underRandomSplit(experiments, random) : []),
  );
}

/** @param {Experiment[]} measured @param {string} best @param {AbortSignal} signal */
function whatAccuracyCosts(measured, best, signal) {
  const open = (/** @type {Experiment} */ { name }) => {
    location.hash = addressOfExperiment(name);
  };
  return [
    element("h2", {}, "What accuracy costs"),
    element(
      "p",
      { class: "quiet" },
      "The line joins the networks that no other one beats in both. Circles are own networks, ",
      "squares pretrained, diamonds distilled ones.",
    ),
    element(
      "div",
      { class: "pareto" },
      paretoChart(measured, best, open, signal),
      element("ol", {}, ...frontier(measured).map(unbeaten)),
    ),
  ];
}

/** A network that no other one beats, in words. @param {Experiment} experiment */
function unbeaten(experiment) {
  return element(
    "li",
    {},
    element("a", { href: addressOfExperiment(experiment.name) }, experiment.name),
    element("p", { class: "quiet" }, achieved(experiment)),
  );
}

/** @param {Experiment[]} experiments @param {Experiment[]} random */
function underRandomSplit(experiments, random) {
  const known = new Map(experiments.map((each) => [each.name, each.accuracy]));
  const rows = random.map(({ name, accuracy }) => [
    name,
    ...[known.get(name), accuracy].map((share) => (share == null ? "" : percent(share))),
  ]);
  return [
    element("h2", {}, "What a random split would hide"),
    figureTable(
      "The same networks where photographs by one person may stand on both sides of the split",
      ["Experiment", "As compared above", "Random split"],
      rows,
    ),
  ];
}
