/** Collapsed list of the decisions about an image, loaded when it is opened. */

import { callApi } from "../core/api.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { dateTime } from "../core/format.js";
import { errorNotice, loading } from "../core/status.js";

/**
 * @typedef {object} RecordedDecision
 * @property {string} key
 * @property {string} time
 * @property {string | null} before
 * @property {string | null} after
 * @property {string} by
 * @property {string} why
 * @property {string | null} undoes
 */

/** Names of the kinds of decisions. @type {Record<string, string>} */
const KINDS = {
  import: "added",
  replacement: "new file",
  review: "relabelled",
  reviewed: "label kept",
  attributes: "attributes changed",
  tags: "tags changed",
  distinct: "found different from a near-duplicate",
  delete: "deleted",
  restore: "restored",
};

/** @param {string} id @returns {Promise<RecordedDecision[]>} oldest first */
export async function loadDecisions(id) {
  const { decisions } = await callApi(`/history?id=${encodeURIComponent(id)}`);
  return decisions;
}

/** @param {string} id @param {AbortSignal} signal aborted when the view is left */
export function decisionList(id, signal) {
  const content = element("div");
  return element(
    "details",
    {
      class: "decisions",
      toggle: (/** @type {{ target: HTMLDetailsElement }} */ { target }) => {
        if (target.open) fill();
      },
    },
    element("summary", {}, "Decisions about this image"),
    content,
  );

  async function fill() {
    content.replaceChildren(loading());
    try {
      const decisions = await loadDecisions(id);
      if (signal.aborted) return;
      content.replaceChildren(
        decisions.length > 0
          ? element("ol", {}, ...decisions.toReversed().map(decisionItem))
          : element("p", { class: "secondary" }, "There are none."),
      );
    } catch (error) {
      if (!signal.aborted) content.replaceChildren(errorNotice(error, fill, signal));
    }
  }
}

/** @param {RecordedDecision} decision */
function decisionItem({ time, before, after, by, why, undoes }) {
  return element(
    "li",
    {},
    element("time", { class: "secondary", datetime: time }, dateTime(time)),
    ` ${by}: ${kindName(why)}`,
    undoes && " (taken back)",
    before !== after && element("span", {}, ": ", classTag(before), " → ", classTag(after)),
  );
}

/** @param {string} why */
function kindName(why) {
  const kind = why.replace(/^undo:/, "").split(":")[0];
  return KINDS[kind] ?? why;
}
