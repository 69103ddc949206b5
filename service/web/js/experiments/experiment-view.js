/** View of one experiment: figures, learning curves and confusion matrix. */

import { callApiCached } from "../core/api.js";
import { element, inlineCode } from "../core/dom.js";
import { duration, number, percent, plural } from "../core/format.js";
import { encodeId, experimentUrl } from "../core/urls.js";
import { confusionMatrix } from "./confusion-matrix.js";
import { learningCurves } from "./learning-curves.js";
import { figureTable } from "./tables.js";

/** @type {import("../router.js").View} */
export async function experimentView(host, { name, signal }) {
  const [experiment, { experiments, best }] = await Promise.all([
    callApiCached(`/experiments/${encodeId(name)}`),
    callApiCached("/experiments"),
  ]);
  if (signal.aborted) return;
  const isPublished = name === best;
  const hasBase = experiments.some((/** @type {any} */ each) => each.name === experiment.base);
  host.replaceChildren(
    element("p", { class: "back" }, element("a", { href: "#/experiments" }, "All experiments")),
    element("h1", {}, name, " ", isPublished && element("span", { class: "badge" }, "published")),
    element("p", { class: "lead" }, ...summary(experiment, hasBase)),
    ...(experiment.status === "done" ? results(experiment, isPublished, signal) : []),
  );
}

/** @param {any} experiment @param {boolean} hasBase whether the base experiment can be linked */
function summary({ change, base, status, reason }, hasBase) {
  return [
    change,
    base && " (based on ",
    hasBase ? element("a", { href: experimentUrl(base) }, base) : base,
    base && ")",
    ".",
    ...(status === "skipped" ? [" Skipped: ", ...inlineCode(reason)] : []),
  ];
}

/** @param {any} experiment @param {boolean} isPublished @param {AbortSignal} signal */
function results(experiment, isPublished, signal) {
  return [
    figures(experiment),
    experiment.evidence?.seeds > 1 && element("p", { class: "secondary" }, seedsNote(experiment)),
    element("h2", {}, "Learning curves"),
    learningCurves(experiment.curves, signal),
    element("h2", {}, "Confusion matrix"),
    isPublished &&
      element("p", { class: "secondary" }, "Select a number to see the misclassified images."),
    element(
      "div",
      { class: "side-by-side" },
      confusionMatrix(experiment.classes, experiment.confusion, isPublished),
      classTable(experiment.per_class),
    ),
  ].filter((each) => each !== false);
}

/** @param {any} experiment */
function seedsNote({ evidence }) {
  return (
    `These figures are means over ${evidence.seeds} seeds. ` +
    "Curves, confusion matrix and per-class metrics are those of the first seed."
  );
}

/**
 * Describe the time of a training, with the part that an earlier one took.
 *
 * @param {any} experiment
 */
function training({ train_seconds, reused_seconds, epochs }) {
  if (train_seconds === null) return null;
  const time = `${duration(train_seconds)}, ${plural(epochs, "epoch")}`;
  if (!reused_seconds) return time;
  return `${time}; ${duration(reused_seconds)} of it in an earlier training, for features`;
}

/** @param {any} experiment */
function figures(experiment) {
  const {
    accuracy,
    evidence,
    macro_f1,
    precision_at_3,
    parameters,
    cost,
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
    ["Parameters", parameters !== null && number(parameters)],
    ["Latency", cost && `${number(cost.latency_ms, 1)} ms`],
    ["Input", input && `${input[0]} × ${input[1]}`],
    ["Training", training(experiment)],
    ["Compared with the first experiment", evidence?.verdict],
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
function classTable(classes) {
  const rows = classes.map(({ label, precision, recall, f1, support }) => [
    label,
    ...[precision, recall, f1].map((share) => percent(share)),
    number(support),
  ]);
  return figureTable("Per-class metrics", ["Class", "Precision", "Recall", "F1", "Images"], rows);
}
