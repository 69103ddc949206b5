/** Which classes are taken for which. */

import { element } from "./element.js";
import { errorsOfKind } from "./errors.js";
import { columnHeader, rowHeader, scrolling } from "./tables.js";
import { percent } from "./words.js";

/**
 * @param {string[]} classes
 * @param {number[][]} counts rows: true class, columns: predicted class
 * @param {boolean} hasGallery whether the errors behind the counts can be looked at
 */
export function confusionMatrix(classes, counts, hasGallery) {
  const title = "Validation photographs: the true class at the left, what the network sees above";
  return scrolling(
    "Confusion matrix",
    element(
      "table",
      { class: "confusion" },
      element("caption", {}, title),
      element("thead", {}, element("tr", {}, element("td"), ...classes.map(columnHeader))),
      element(
        "tbody",
        {},
        ...counts.map((row, truth) => {
          const total = row.reduce((sum, each) => sum + each, 0);
          const cells = row.map((count, predicted) =>
            cell(
              { count, total, label: classes[truth], predicted: classes[predicted] },
              hasGallery,
            ),
          );
          return element("tr", {}, rowHeader(classes[truth]), ...cells);
        }),
      ),
    ),
  );
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
