/** Which classes are taken for which. */

import { element } from "./element.js";
import { errorsOfKind } from "./errors-view.js";
import { percent } from "./words.js";

/**
 * @param {string[]} classes
 * @param {number[][]} counts rows: true class, columns: predicted class
 * @param {boolean} hasGallery whether the errors behind the counts can be looked at
 */
export function confusionMatrix(classes, counts, hasGallery) {
  return element(
    "div",
    { class: "scroll", role: "region", tabindex: 0, "aria-label": "Confusion matrix" },
    element(
      "table",
      { class: "confusion" },
      element("caption", {}, "Validation photographs: the true class at the left, what the network sees above"),
      element(
        "thead",
        {},
        element("tr", {}, element("td"), ...classes.map((label) => element("th", { scope: "col" }, label))),
      ),
      element(
        "tbody",
        {},
        ...counts.map((row, truth) =>
          element(
            "tr",
            {},
            element("th", { scope: "row" }, classes[truth]),
            ...row.map((count, predicted) => cell(count, sum(row), classes[truth], classes[predicted], hasGallery)),
          ),
        ),
      ),
    ),
  );
}

/** One count, the darker the larger its share of the row. */
function cell(
  /** @type {number} */ count,
  /** @type {number} */ total,
  /** @type {string} */ label,
  /** @type {string} */ predicted,
  /** @type {boolean} */ hasGallery,
) {
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

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}
