/** Confusion matrix. */

import { element } from "../core/dom.js";
import { percent } from "../core/format.js";
import { misclassificationsUrl } from "../core/urls.js";
import { columnHeader, rowHeader, scrollable } from "./tables.js";

const MAX_CLASSES = 20;

/**
 * Create a confusion matrix. Of more than 20 classes, the 20 with the most confusions are shown.
 *
 * @param {string[]} classes
 * @param {number[][]} counts rows: true class, columns: predicted class
 * @param {boolean} isLinked whether the counts link to the misclassified images
 */
export function confusionMatrix(classes, counts, isLinked) {
  const shown = mostConfused(counts);
  const title =
    "Validation images. Rows: true class, columns: predicted class." +
    (shown.length < classes.length
      ? ` Shown are the ${shown.length} of ${classes.length} classes with the most confusions.`
      : "");
  return scrollable(
    "Confusion matrix",
    element(
      "table",
      { class: "confusion" },
      element("caption", {}, title),
      element(
        "thead",
        {},
        element("tr", {}, element("td"), ...shown.map((index) => columnHeader(classes[index]))),
      ),
      element(
        "tbody",
        {},
        ...shown.map((truth) => {
          const total = sum(counts[truth]);
          const cells = shown.map((predicted) =>
            cell(
              {
                count: counts[truth][predicted],
                total,
                label: classes[truth],
                predicted: classes[predicted],
              },
              isLinked,
            ),
          );
          return element("tr", {}, rowHeader(classes[truth]), ...cells);
        }),
      ),
    ),
  );
}

/** Return the indices of the classes to show, in ascending order. @param {number[][]} counts */
function mostConfused(counts) {
  const confusions = counts.map(
    (row, truth) => sum(row) + sum(counts.map((each) => each[truth])) - 2 * row[truth],
  );
  return counts
    .map((_, index) => index)
    .sort((a, b) => confusions[b] - confusions[a])
    .slice(0, MAX_CLASSES)
    .sort((a, b) => a - b);
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, each) => total + each, 0);
}

/**
 * Create a cell, shaded by its share of the row.
 *
 * @param {{ count: number, total: number, label: string, predicted: string }} entry
 * @param {boolean} isLinked
 */
function cell({ count, total, label, predicted }, isLinked) {
  const share = total > 0 ? count / total : 0;
  const isCorrect = label === predicted;
  const content =
    isLinked && !isCorrect && count > 0
      ? element("a", { href: misclassificationsUrl(label, predicted) }, count)
      : String(count || "");
  return element(
    "td",
    {
      class: isCorrect ? "correct" : "incorrect",
      style: { "--share": isCorrect ? share : Math.sqrt(share) },
      title: `${label} classified as ${predicted}: ${count} (${percent(share)})`,
    },
    content,
  );
}
