/** View of the validation images that the published model misclassifies. */

import { watchData } from "../core/api.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { plural, probability } from "../core/format.js";
import { imageCard } from "../core/image-card.js";
import { notice } from "../core/status.js";
import { imageUrl, misclassificationsUrl } from "../core/urls.js";
import { exampleButtons } from "../search/example-buttons.js";
import { heatmapToggle } from "./heatmap-toggle.js";
import { loadMisclassifications } from "./misclassifications.js";

const PAGE_SIZE = 60;
const MAX_KINDS = 24;

/**
 * Number of cards shown at each hash, restored when the user returns.
 *
 * @type {Map<string, number>}
 */
const shownCounts = new Map();
/** @typedef {import("./misclassifications.js").Misclassification} Misclassification */

/** @type {import("../router.js").View} */
export async function misclassificationsView(host, { query, signal, reload }) {
  const errors = await loadMisclassifications();
  if (signal.aborted) return;
  watchData(loadMisclassifications, reload, signal);
  const [label, predicted] = [query.get("label"), query.get("predicted")];
  const filtered = errors.filter(
    (each) => (!label || each.label === label) && (!predicted || each.predicted === predicted),
  );
  if (filtered.length === 0) {
    host.replaceChildren(
      notice(
        "No errors",
        errors.length > 0
          ? "The published model makes no errors of this kind. See the other errors."
          : "The published model classifies every validation image correctly.",
        element("a", { href: errors.length > 0 ? "#/errors" : "#/map" }, "Continue"),
      ),
    );
    return;
  }
  host.replaceChildren(
    element("h1", {}, plural(filtered.length, "error")),
    element(
      "p",
      { class: "lead" },
      "Validation images that the published model misclassifies, sorted by the probability of the ",
      "true class, lowest first. ",
      errors.some((each) => each.heatmap) &&
        "A heat map highlights the image regions that support the prediction. ",
      (label || predicted) && element("a", { href: "#/errors" }, `Show all ${errors.length}`),
    ),
    ...kindLists(errors, label, predicted),
    gallery(filtered),
  );
}

/**
 * @typedef {object} ErrorKind errors with the same true and predicted class
 * @property {Misclassification} first
 * @property {number} count
 */

/**
 * Create links to all kinds of errors, in descending order of frequency.
 *
 * @param {Misclassification[]} errors
 * @param {string | null} label of the current kind
 * @param {string | null} predicted class of the current kind
 */
function kindLists(errors, label, predicted) {
  /** @type {Map<string, ErrorKind>} */
  const found = new Map();
  for (const each of errors) {
    const url = misclassificationsUrl(each.label, each.predicted);
    const kind = found.get(url) ?? { first: each, count: 0 };
    kind.count += 1;
    found.set(url, kind);
  }
  const links = [...found]
    .sort(([, a], [, b]) => b.count - a.count)
    .map(([url, kind]) => {
      const isCurrent = kind.first.label === label && kind.first.predicted === predicted;
      return kindLink(url, kind, isCurrent);
    });
  const [frequent, rare] = [links.slice(0, MAX_KINDS), links.slice(MAX_KINDS)];
  return [
    element("ul", { class: "kinds", "aria-label": "Kinds of errors" }, ...frequent),
    ...(rare.length > 0 ? [rareKinds(rare)] : []),
  ];
}

/** @param {string} url @param {ErrorKind} kind @param {boolean} isCurrent */
function kindLink(url, { first, count }, isCurrent) {
  return element(
    "li",
    {},
    element(
      "a",
      { href: url, "aria-current": isCurrent ? "true" : null },
      classTag(first.label),
      element("span", { "aria-hidden": "true" }, "→"),
      element("span", { class: "visually-hidden" }, " misclassified as "),
      classTag(first.predicted),
      element("span", { class: "count" }, count),
    ),
  );
}

/**
 * Create a collapsed list, so that many kinds do not push the errors down.
 *
 * @param {HTMLElement[]} links
 */
function rareKinds(links) {
  return element(
    "details",
    { open: links.some((each) => each.querySelector("[aria-current]")) },
    element("summary", {}, plural(links.length, "rarer kind")),
    element("ul", { class: "kinds", "aria-label": "Rarer kinds of errors" }, ...links),
  );
}

/** Create the cards, one page at a time. @param {Misclassification[]} errors */
function gallery(errors) {
  const cards = element("div", { class: "cards wide" });
  const more = element(
    "button",
    { type: "button", click: () => showPage()[0].querySelector("a")?.focus() },
    "Show more",
  );
  const { hash } = location;
  const previous = shownCounts.get(hash) ?? 0;
  let shown = 0;
  function showPage() {
    const added = errors.slice(shown, shown + PAGE_SIZE).map(errorCard);
    cards.append(...added);
    shown += PAGE_SIZE;
    shownCounts.set(hash, shown);
    more.hidden = shown >= errors.length;
    return added;
  }
  do showPage();
  while (shown < previous);
  return element(
    "section",
    { "aria-label": "Errors" },
    cards,
    element("p", { class: "buttons" }, more),
  );
}

/** @param {Misclassification} error */
function errorCard(error) {
  const card = imageCard(
    error,
    { source: imageUrl(error.id) },
    element("span", { class: "incorrect" }, " misclassified as ", classTag(error.predicted)),
  );
  const image = /** @type {HTMLImageElement} */ (card.querySelector("img"));
  card
    .querySelector("figcaption")
    ?.append(
      element(
        "p",
        { class: "secondary" },
        `Probabilities: ${error.predicted} ${probability(error.probabilities[error.predicted])}, `,
        `${error.label} ${probability(error.true_probability)}.`,
      ),
      ...(error.heatmap ? [heatmapToggle(image, error.id)] : []),
      exampleButtons(error.id),
    );
  return card;
}
