/** Which classes are taken for which. */

import { element } from "../core/dom.js";
import { percent } from "../core/format.js";
import { errorsOfKind } from "../images/misclassifications.js";
import { columnHeader, rowHeader, scrolling } from "./tables.js";

const MOST_CLASSES = 20;

/**
 * Of more than 20 classes, the 20 with the most confusions are shown.
 *
 * @param {string[]} classes
 * @param {number[][]} counts rows: true class, columns: predicted class
 * @param {boolean} hasGallery whether the errors behind the counts can be looked at
 */
export function confusionMatrix(classes, counts, hasGallery) {
  const chosen = mostConfused(counts);
  const title =
    "Validation photographs: the true class at the left, what the network sees above" +
    (chosen.length < classes.length
      ? `. These are the ${chosen.length} of ${classes.length} classes with the most confusions.`
      : "");
  return scrolling(
    "Confusion matrix",
    element(
      "table",
      { class: "confusion" },
      element("caption", {}, title),
      element(
        "thead",
        {},
        element("tr", {}, element("td"), ...chosen.map((number) => columnHeader(classes[number]))),
      ),
      element(
        "tbody",
        {},
        ...chosen.map((truth) => {
          const total = sum(counts[truth]);
          const cells = chosen.map((predicted) =>
            cell(
              {
                count: counts[truth][predicted],
                total,
                label: classes[truth],
                predicted: classes[predicted],
              },
              hasGallery,
            ),
          );
          return element("tr", {}, rowHeader(classes[truth]), ...cells);
        }),
      ),
    ),
  );
}

/** Numbers of the classes to show, in their order. @param {number[][]} counts */
function mostConfused(counts) {
  const confusions = counts.map(
    (row, truth) => sum(row) + sum(counts.map((each) => each[truth])) - 2 * row[truth],
  );
  return counts
    .map((_, number) => number)
    .sort((a, b) => confusions[b] - confusions[a])
    .slice(0, MOST_CLASSES)
    .sort((a, b) => a - b);
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, each) => total + each, 0);
}

/**
 * One count, the darker the larger its share of the row.
 *
 * @param {{ count: number, total: number, label: string, predicted: string }} given
 * @param {boolean} hasGallery
 */
function cell({ count, total, label, predicted }, hasGallery) {
  const share = total > 0 ? count / total : 0;
  const isRight = label === predicted;
  const content =
    hasGallery && !isRight && count > 0
      ? element("a", { href: errorsOfKind(label, predicted) }, count)
      : String(count || "");
  return element(
    "td",
    {
      class: isRight ? "right" : "wrong",
      style: { "--share": isRight ? share : Math.sqrt(share) },
      title: `${label} seen as ${predicted}: ${count} (${percent(share)})`,
    },
    content,
  );
}
