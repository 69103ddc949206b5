/** View of the validation images that the published model misclassifies. */

import { ApiError } from "../core/api-error.js";
import { watchData } from "../core/api.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { plural, probability } from "../core/format.js";
import { imageCard } from "../core/image-card.js";
import { announce, notice, toast } from "../core/status.js";
import { imageUrl } from "../core/urls.js";
import { filteredUrl, parseFilter, splitFilter } from "../filters/image-filter.js";
import { selectAllButton } from "../filters/select-all.js";
import { viewFilters } from "../filters/view-filters.js";
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

/**
 * @typedef {import("./misclassifications.js").Misclassification} Misclassification
 * @typedef {import("../filters/image-filter.js").FilterName} FilterName
 */

/** Conditions that all errors meet. */
const BASE = new URLSearchParams({ wrong: "true", split: "validation" });

/** Conditions of a kind of errors, which the links set. @type {FilterName[]} */
const KIND = ["label", "predicted"];

/** @type {FilterName[]} */
const WITHOUT = [...KIND, "split", "wrong", "labelled", "learned"];

/** @type {import("../router.js").View} */
export async function misclassificationsView(host, { query, signal, reload }) {
  const filter = parseFilter(query);
  const load = () => loadMisclassifications(splitFilter(filter, KIND).others);
  const errors = await load();
  if (signal.aborted) return;
  watchData(load, reload, signal);
  const isFiltered = splitFilter(filter, KIND).others.size > 0;
  if (errors.length === 0 && !isFiltered) {
    host.replaceChildren(
      noErrors("The published model classifies every validation image correctly."),
    );
    return;
  }
  const summary = element("div");
  const cards = element("div");
  const controls = viewFilters(filter, { onChange, signal, without: WITHOUT, base: BASE });
  host.replaceChildren(summary, controls.element, cards);
  show(errors);

  /** @param {Misclassification[]} all errors of all kinds */
  function show(all) {
    const { own, others } = splitFilter(filter, KIND);
    const [label, predicted] = [own.get("label"), own.get("predicted")];
    const shown = all.filter(
      (each) => (!label || each.label === label) && (!predicted || each.predicted === predicted),
    );
    summary.replaceChildren(
      element("h1", {}, plural(shown.length, "error")),
      lead(all, filteredUrl("#/errors", others), own.size > 0),
      ...kindLists(all, { label, predicted, others }),
    );
    cards.replaceChildren(shown.length > 0 ? gallery(shown) : noneOfKind());
  }

  async function onChange() {
    history.replaceState(history.state, "", filteredUrl("#/errors", filter));
    const wanted = String(filter);
    try {
      const found = await load();
      if (signal.aborted || String(filter) !== wanted) return;
      show(found);
      announce(summary.querySelector("h1")?.textContent ?? "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!signal.aborted) toast(error.message);
    }
  }
}

/** @param {string} advice */
function noErrors(advice) {
  return notice("No errors", advice, element("a", { href: "#/map" }, "Continue"));
}

function noneOfKind() {
  return element(
    "p",
    {},
    "The published model makes no errors of this kind. ",
    element("a", { href: "#/errors" }, "See all errors"),
    ".",
  );
}

/** @param {Misclassification[]} errors @param {string} all address of all kinds @param {boolean} isOfKind */
function lead(errors, all, isOfKind) {
  return element(
    "p",
    { class: "lead" },
    "Validation images that the published model misclassifies, sorted by the probability of the ",
    "true class, lowest first. ",
    errors.some((each) => each.heatmap) &&
      "A heat map highlights the image regions that support the prediction. ",
    isOfKind && element("a", { href: all }, `Show all ${errors.length}`),
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
 * @param {object} current
 * @param {string | null} current.label
 * @param {string | null} current.predicted
 * @param {URLSearchParams} current.others further conditions, kept by the links
 */
function kindLists(errors, { label, predicted, others }) {
  /** @type {Map<string, ErrorKind>} */
  const found = new Map();
  for (const each of errors) {
    const kind = [
      ["label", each.label],
      ["predicted", each.predicted],
    ];
    const url = filteredUrl("#/errors", new URLSearchParams([...kind, ...others]));
    const known = found.get(url) ?? { first: each, count: 0 };
    known.count += 1;
    found.set(url, known);
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
    selectAllButton(errors).element,
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
