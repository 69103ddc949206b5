/** Goals of the review, with their addresses. */

import { ApiError } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { duplicatesGoal } from "./duplicates-goal.js";
import { labellingGoal, reviewGoal } from "./label-goals.js";

/** @type {[string, string, import("./review-view.js").Goal<any>][]} */
const GOALS = [
  ["review", "#/review", reviewGoal],
  ["label", "#/review?goal=label", labellingGoal],
  ["duplicates", "#/duplicates", duplicatesGoal],
];

/** Return a goal. @param {string} name */
export function goalOf(name) {
  for (const [known, , goal] of GOALS) if (known === name) return goal;
  throw new ApiError("not found", "The goals are `review`, `label` and `duplicates`.");
}

/** Return the address of a goal. @param {string} name @param {URLSearchParams} filter */
export function goalUrl(name, filter) {
  const url = GOALS.find(([known]) => known === name)?.[1];
  const separator = url?.includes("?") ? "&" : "?";
  return filter.size > 0 ? `${url}${separator}${filter}` : `${url}`;
}

/** Create links to all goals. @param {string} current name of the goal */
export function goalLinks(current) {
  return element(
    "ul",
    { class: "kinds", "aria-label": "Goals" },
    ...GOALS.map(([name, href, { title }]) =>
      element(
        "li",
        {},
        element("a", { href, "aria-current": name === current ? "true" : null }, title),
      ),
    ),
  );
}
