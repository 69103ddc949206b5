/** One experiment: what it changed, how it learned, what it confuses. */

import { recall } from "../core/api.js";
import { element, marked } from "../core/dom.js";
import { duration, number, percent, plural } from "../core/format.js";
import { encoded } from "../core/urls.js";
import { confusionMatrix } from "./confusion-matrix.js";
import { addressOfExperiment } from "./experiment-table.js";
import { learningCurves } from "./learning-curves.js";
import { figureTable } from "./tables.js";

/** @type {import("../router.js").View} */
export async function experimentView(place, { name, signal }) {
  const [experiment, { experiments, best }] = await Promise.all([
    recall(`/experiments/${encoded(name)}`),
    recall("/experiments"),
  ]);
  if (signal.aborted) return;
  const isPublished = name === best;
  const isCompared = experiments.some((/** @type {any} */ each) => each.name === experiment.base);
  place.replaceChildren(
    element("p", { class: "back" }, element("a", { href: "#/experiments" }, "All experiments")),
    element("h1", {}, name, " ", isPublished && element("span", { class: "badge" }, "published")),
    element("p", { class: "lead" }, ...whatItIs(experiment, isCompared)),
    ...(experiment.status === "done" ? found(experiment, isPublished, signal) : []),
  );
}

/** @param {any} experiment @param {boolean} isCompared whether the one that it changes is there */
function whatItIs({ change, base, status, reason }, isCompared) {
  return [
    change,
    base && " (changes ",
    isCompared ? element("a", { href: addressOfExperiment(base) }, base) : base,
    base && ")",
    ".",
    ...(status === "skipped" ? [" It was skipped: ", ...marked(reason)] : []),
  ];
}

/** @param {any} experiment @param {boolean} isPublished @param {AbortSignal} signal */
function found(experiment, isPublished, signal) {
  return [
    facts(experiment),
    experiment.evidence?.seeds > 1 && element("p", { class: "quiet" }, ofSeeds(experiment)),
    element("h2", {}, "How it learned"),
    learningCurves(experiment.curves, signal),
    element("h2", {}, "What it confuses"),
    isPublished && element("p", { class: "quiet" }, "A number leads to the photographs behind it."),
    element(
      "div",
      { class: "side-by-side" },
      confusionMatrix(experiment.classes, experiment.confusion, isPublished),
      perClass(experiment.per_class),
    ),
  ].filter((each) => each !== false);
}

/** @param {any} experiment */
function ofSeeds({ evidence }) {
  return (
    `These are means over ${evidence.seeds} seeds; ` +
    "curves, matrix and classes below are those of the first."
  );
}

/** @param {any} experiment */
function facts(experiment) {
  const {
    accuracy,
    evidence,
    macro_f1,
    precision_at_3,
    parameters,
    cost,
    train_seconds,
    epochs,
    input,
  } = experiment;
  const interval = evidence?.interval;
  /** @type {[string, string | false | null | undefined][]} */
  const pairs = [
    ["Accuracy", percent(accuracy)],
    ["95 % interval", interval && `${percent(interval[0])} to ${percent(interval[1])}`],
    ["Seeds", evidence && String(evidence.seeds)],
    ["Macro F1", macro_f1 !== null && number(macro_f1, 3)],
    ["P@3", precision_at_3 !== null && number(precision_at_3, 3)],
    ["Weights", parameters !== null && number(parameters)],
    ["One photograph", cost && `${number(cost.latency_ms, 1)} ms`],
    ["Input", input && `${input[0]} × ${input[1]}`],
    [
      "Training",
      train_seconds !== null && `${duration(train_seconds)}, ${plural(epochs, "epoch")}`,
    ],
    ["Against the first", evidence?.verdict],
  ];
  return element(
    "dl",
    { class: "figures" },
    ...pairs
      .filter(([, value]) => value)
      .map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      ),
  );
}

/** @param {any[]} classes */
function perClass(classes) {
  const rows = classes.map(({ label, precision, recall: found, f1, support }) => [
    label,
    ...[precision, found, f1].map((share) => percent(share)),
    number(support),
  ]);
  return figureTable("Each class", ["Class", "Precision", "Recall", "F1", "Photographs"], rows);
}
