/** Lists of the outcomes of an addition: problems first, then added images. */

import { element, inlineCode } from "../core/dom.js";
import { number } from "../core/format.js";
import { retryingImage } from "../core/retrying-image.js";
import { imageViewUrl, thumbnailUrl } from "../core/urls.js";

const MAX_LISTED = 200;
const MAX_THUMBNAILS = 60;

/**
 * @typedef {import("./addition.js").Outcome} Outcome
 * @typedef {import("./addition.js").OutcomeKind} OutcomeKind
 */

/** Titles of the lists, in their order. @type {[string, OutcomeKind[]][]} */
const LISTS = [
  ["Rejected", ["rejected"]],
  ["Failed", ["failed"]],
  ["Stored with another label", ["conflict"]],
  ["Deleted before", ["deleted_before"]],
  ["Stored already", ["unchanged", "duplicate_of", "relabelled", "replaced"]],
];

/** Outcomes about an image that has a view. @type {OutcomeKind[]} */
const STORED = ["added", "conflict", "duplicate_of", "relabelled", "replaced", "unchanged"];

/** @param {Outcome[]} outcomes */
export function outcomeLists(outcomes) {
  const added = outcomes.filter(({ outcome }) => outcome === "added");
  const lists = LISTS.map(([title, kinds]) => {
    const found = outcomes.filter(({ outcome }) => kinds.includes(outcome));
    return found.length > 0 ? problemList(title, found) : null;
  }).filter((each) => each !== null);
  return added.length > 0 ? [...lists, addedGallery(added)] : lists;
}

/** @param {string} title @param {Outcome[]} found */
function problemList(title, found) {
  const rest = found.length - MAX_LISTED;
  return element(
    "section",
    { class: "outcomes" },
    element("h2", {}, `${title}: ${number(found.length)}`),
    element(
      "ul",
      {},
      ...found.slice(0, MAX_LISTED).map(problem),
      rest > 0 && element("li", { class: "secondary" }, `and ${number(rest)} more`),
    ),
  );
}

/** @param {Outcome} outcome */
function problem({ image, id, outcome, detail }) {
  const link = STORED.includes(outcome) && element("a", { href: imageViewUrl(id) }, id);
  return element(
    "li",
    {},
    element("span", { class: "path" }, image.path),
    link && " is ",
    link,
    detail && element("span", { class: "secondary" }, " ", ...inlineCode(detail)),
  );
}

/** @param {Outcome[]} added */
function addedGallery(added) {
  const rest = added.length - MAX_THUMBNAILS;
  return element(
    "section",
    { class: "outcomes" },
    element("h2", {}, `Added: ${number(added.length)}`),
    element(
      "ul",
      { class: "added" },
      ...added.slice(0, MAX_THUMBNAILS).map(addedImage),
      rest > 0 && element("li", { class: "secondary" }, `and ${number(rest)} more`),
    ),
  );
}

/** @param {Outcome} outcome */
function addedImage({ image, id }) {
  return element(
    "li",
    {},
    element(
      "a",
      { href: imageViewUrl(id) },
      retryingImage(thumbnailUrl(id), "", { loading: "lazy" }),
      element("span", {}, image.path),
    ),
  );
}
