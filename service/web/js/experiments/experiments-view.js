/** View that compares all experiments. */

import { callApiCached } from "../core/api.js";
import { element } from "../core/dom.js";
import { number, percent, plural } from "../core/format.js";
import { notice } from "../core/status.js";
import { experimentUrl } from "../core/urls.js";
import { experimentTable } from "./experiment-table.js";
import { accuracyAndLatency, paretoChart, paretoFrontier } from "./pareto-chart.js";
import { figureTable } from "./tables.js";

/** @typedef {import("./experiment-table.js").Experiment} Experiment */

/** @type {import("../router.js").View} */
export async function experimentsView(host, { signal }) {
  const comparison = await callApiCached("/experiments");
  if (signal.aborted) return;
  const { experiments, best, random_split: random } = comparison;
  if (experiments.length === 0) {
    host.replaceChildren(
      notice(
        "No experiments",
        "Run experiments with `belvedere train`, then publish a release with `belvedere publish`.",
      ),
    );
    return;
  }
  const measured = experiments.filter(
    (/** @type {Experiment} */ each) => each.accuracy != null && each.cost,
  );
  host.replaceChildren(
    element("h1", {}, plural(experiments.length, "experiment")),
    element(
      "p",
      { class: "lead" },
      `Trained on ${number(comparison.train)} images (${number(comparison.tuning)} of them held `,
      `out for tuning), evaluated on ${number(comparison.validation)} validation images, all of `,
      `revision ${number(comparison.training.revision)} of `,
      element("a", { href: "#/history" }, "the collection"),
      ". ",
      comparison.not_learned > 0 &&
        `${plural(comparison.not_learned, "training image")} came later. `,
      "The published model is ",
      element("a", { href: experimentUrl(best) }, best),
      comparison.tuning > 0
        ? ", selected on the tuning images."
        : ", selected by the lowest training loss.",
    ),
    ...(measured.length > 1 ? accuracyAgainstLatency(measured, best, signal) : []),
    element("h2", {}, "Comparison"),
    experimentTable(experiments, best),
    ...comparison.versions.flatMap(earlierVersion),
    ...(random.length > 0 ? randomSplit(experiments, random) : []),
  );
}

/** @param {Experiment[]} measured @param {string} best @param {AbortSignal} signal */
function accuracyAgainstLatency(measured, best, signal) {
  const open = (/** @type {Experiment} */ { name }) => {
    location.hash = experimentUrl(name);
  };
  return [
    element("h2", {}, "Accuracy and latency"),
    element(
      "p",
      { class: "secondary" },
      "The line connects the Pareto-optimal models: no other model is both more accurate and ",
      "faster. Circles: trained from scratch; squares: pretrained; diamonds: distilled.",
    ),
    element(
      "div",
      { class: "pareto" },
      paretoChart(measured, best, open, signal),
      element("ol", {}, ...paretoFrontier(measured).map(frontierItem)),
    ),
  ];
}

/** @param {Experiment} experiment */
function frontierItem(experiment) {
  return element(
    "li",
    {},
    element("a", { href: experimentUrl(experiment.name) }, experiment.name),
    element("p", { class: "secondary" }, accuracyAndLatency(experiment)),
  );
}

/**
 * @param {{version: string, revision: number, train: number, common: number,
 *   experiments: {experiment: string, seeds: number, before: number, after: number,
 *   verdict: string}[]}} earlier
 */
function earlierVersion({ revision, train, common, experiments }) {
  return [
    element("h2", {}, `Against revision ${number(revision)}`),
    figureTable(
      `Accuracy of models trained on ${number(train)} images of revision ${number(revision)} and ` +
        `of these models, both on the ${number(common)} validation images of both versions`,
      ["Experiment", "Seeds", "Then", "Now", "Difference"],
      experiments.map(({ experiment, seeds, before, after, verdict }) => [
        experiment,
        number(seeds),
        percent(before),
        percent(after),
        verdict,
      ]),
    ),
  ];
}

/** @param {Experiment[]} experiments @param {Experiment[]} random */
function randomSplit(experiments, random) {
  const accuracies = new Map(experiments.map((each) => [each.name, each.accuracy]));
  const rows = random.map(({ name, accuracy }) => [
    name,
    ...[accuracies.get(name), accuracy].map((share) => (share == null ? "" : percent(share))),
  ]);
  return [
    element("h2", {}, "Leakage with a random split"),
    figureTable(
      "Accuracy of the same networks if images by one photographer may be in both splits",
      ["Experiment", "Grouped split", "Random split"],
      rows,
    ),
  ];
}
