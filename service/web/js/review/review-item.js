/** One image of the review: file, label, suggestion, reasons, neighbours. */

import { attributionLine } from "../core/attribution.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { joinWords, number, percent, splitName } from "../core/format.js";
import { altText } from "../core/image-card.js";
import { retryingImage } from "../core/retrying-image.js";
import { imageUrl, imageViewUrl } from "../core/urls.js";
import { decisionList } from "../images/decision-list.js";
import { neighbourCards } from "../images/neighbours.js";

/**
 * @typedef {object} Reason
 * @property {string} kind
 * @property {number} value
 * @property {string} text
 *
 * @typedef {object} Effect of a correction on the figures
 * @property {number} validation number of validation images
 * @property {boolean} counted
 * @property {boolean} correct
 * @property {boolean | null} correct_after
 *
 * @typedef {object} ReviewItem
 * @property {string} id
 * @property {string | null} label
 * @property {string | null} suggested
 * @property {Reason[]} reasons
 * @property {string} predicted
 * @property {string[]} set
 * @property {import("../images/neighbours.js").Neighbour[]} neighbors
 * @property {"train" | "validation" | "pool"} split
 * @property {boolean} learned
 * @property {Effect | null} affects
 * @property {import("../core/attribution.js").Attribution | null} attribution
 * @property {string} etag
 * @property {string} [note] on a change by another person
 */

/**
 * @param {ReviewItem} item
 * @param {AbortSignal} signal aborted when the view is left
 */
export function reviewItem(item, signal) {
  return [
    element(
      "figure",
      { class: "large" },
      retryingImage(imageUrl(item.id), altText(item)),
      element("figcaption", {}, attributionLine(item.attribution)),
    ),
    element(
      "div",
      { class: "details" },
      element("h2", {}, element("a", { href: imageViewUrl(item.id) }, item.id)),
      item.note && element("p", { class: "read-only", role: "alert" }, item.note),
      labels(item),
      element("ul", { class: "reasons" }, ...item.reasons.map(reason)),
      facts(item),
      item.affects && element("p", { class: "effect" }, ...effectText(item.affects, item)),
      decisionList(item.id, signal),
    ),
    element(
      "section",
      { class: "neighbours" },
      element("h3", {}, "Nearest images"),
      neighbourCards(item.neighbors),
    ),
  ];
}

/** Return the text that screen readers hear when an item appears. @param {ReviewItem} item */
export function announcement({ label, suggested, reasons, note }) {
  const suggestion = suggested === null ? "No suggestion" : `Suggestion: ${suggested}`;
  const texts = reasons.map(({ text }) => text);
  return [note, `Label: ${label ?? "none"}. ${suggestion}.`, ...texts].filter(Boolean).join(" ");
}

/** @param {ReviewItem} item */
function labels({ label, suggested }) {
  return element(
    "dl",
    { class: "comparison" },
    element("div", {}, element("dt", {}, "Label"), element("dd", {}, classTag(label))),
    element(
      "div",
      {},
      element("dt", {}, "Suggestion"),
      element("dd", {}, suggested === null ? "none" : classTag(suggested)),
    ),
  );
}

/** @param {Reason} reason */
function reason({ text }) {
  return element("li", {}, text);
}

/** @param {ReviewItem} item */
function facts({ split, learned, set }) {
  const sets = set.length === 0 ? "empty" : joinWords(set);
  const source = learned ? "the model learned from this image" : "new to the model";
  return element(
    "p",
    { class: "secondary" },
    `${capitalized(splitName(split))}, ${source}. Prediction set: ${sets}.`,
  );
}

/** @param {Effect} effect @param {ReviewItem} item */
function effectText({ validation, counted, correct, correct_after: after }, { predicted }) {
  const now = verdict(correct);
  return [
    element("strong", {}, "Validation image. "),
    `Models are judged by ${number(validation)} such images, each with a weight of `,
    `${percent(1 / validation, 2)}. `,
    counted &&
      "The published accuracy counts this one with its earlier label until a model is trained and " +
        "published again. ",
    `The prediction of the served model, ${predicted}, is ${now} with the present label`,
    after === null
      ? "."
      : ` and ${after === correct ? "stays" : "becomes"} ${verdict(after)} with `,
    after !== null && "the suggestion.",
  ];
}

/** @param {boolean} isCorrect */
function verdict(isCorrect) {
  return isCorrect ? "correct" : "incorrect";
}

/** @param {string} text */
function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
