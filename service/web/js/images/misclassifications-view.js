/** The photographs that the published network gets wrong. */

import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { likelihood, plural } from "../core/format.js";
import { card } from "../core/image-card.js";
import { notice } from "../core/status.js";
import { imageOf } from "../core/urls.js";
import { heatmapSwitch } from "./heatmap-toggle.js";
import { allErrors, errorsOfKind } from "./misclassifications.js";

const PAGE = 60;
const MOST_KINDS = 24;

/** How many were shown at each address, for who comes back. @type {Map<string, number>} */
const reached = new Map();
/** @typedef {import("./misclassifications.js").Misclassification} Misclassification */

/** @type {import("../router.js").View} */
export async function errorsView(place, { query, signal }) {
  const errors = await allErrors();
  if (signal.aborted) return;
  const [label, predicted] = [query.get("label"), query.get("predicted")];
  const chosen = errors.filter(
    (each) => (!label || each.label === label) && (!predicted || each.predicted === predicted),
  );
  if (chosen.length === 0) {
    place.replaceChildren(
      notice(
        "No errors",
        errors.length > 0
          ? "The network makes no error of this kind; look at the others."
          : "The published network gets every validation photograph right.",
        element("a", { href: errors.length > 0 ? "#/errors" : "#/map" }, "Go on"),
      ),
    );
    return;
  }
  place.replaceChildren(
    element("h1", {}, plural(chosen.length, "error")),
    element(
      "p",
      { class: "lead" },
      "Validation photographs that the published network takes for another class, the worst ",
      "first. ",
      errors.some((each) => each.heatmap) && "A heat map shows what spoke for its answer. ",
      (label || predicted) && element("a", { href: "#/errors" }, `Show all ${errors.length}`),
    ),
    ...kinds(errors, label, predicted),
    gallery(chosen),
  );
}

/**
 * @typedef {object} KindOfError
 * @property {Misclassification} first of this kind
 * @property {number} count
 */

/**
 * The confusions that happen, the most frequent first.
 *
 * @param {Misclassification[]} errors
 * @param {string | null} label of the kind that is shown
 * @param {string | null} predicted likewise
 */
function kinds(errors, label, predicted) {
  /** @type {Map<string, KindOfError>} */
  const found = new Map();
  for (const each of errors) {
    const address = errorsOfKind(each.label, each.predicted);
    const kind = found.get(address) ?? { first: each, count: 0 };
    kind.count += 1;
    found.set(address, kind);
  }
  const links = [...found]
    .sort(([, a], [, b]) => b.count - a.count)
    .map(([address, kind]) => {
      const isShown = kind.first.label === label && kind.first.predicted === predicted;
      return kindLink(address, kind, isShown);
    });
  const [often, seldom] = [links.slice(0, MOST_KINDS), links.slice(MOST_KINDS)];
  return [
    element("ul", { class: "kinds", "aria-label": "Kinds of errors" }, ...often),
    ...(seldom.length > 0 ? [rarer(seldom)] : []),
  ];
}

/** @param {string} address @param {KindOfError} kind @param {boolean} isShown */
function kindLink(address, { first, count }, isShown) {
  return element(
    "li",
    {},
    element(
      "a",
      { href: address, "aria-current": isShown ? "true" : null },
      classTag(first.label),
      element("span", { "aria-hidden": "true" }, "→"),
      element("span", { class: "unseen" }, " taken for "),
      classTag(first.predicted),
      element("span", { class: "count" }, count),
    ),
  );
}

/** What happens less often, out of the way to the errors. @param {HTMLElement[]} links */
function rarer(links) {
  return element(
    "details",
    { open: links.some((each) => each.querySelector("[aria-current]")) },
    element("summary", {}, plural(links.length, "rarer kind")),
    element("ul", { class: "kinds", "aria-label": "Rarer kinds of errors" }, ...links),
  );
}

/** So many at a time. @param {Misclassification[]} errors */
function gallery(errors) {
  const cards = element("div", { class: "cards wide" });
  const more = element(
    "button",
    { type: "button", click: () => grow()[0].querySelector("a")?.focus() },
    "Show more",
  );
  const address = location.hash;
  const before = reached.get(address) ?? 0;
  let shown = 0;
  function grow() {
    const added = errors.slice(shown, shown + PAGE).map(errorCard);
    cards.append(...added);
    shown += PAGE;
    reached.set(address, shown);
    more.hidden = shown >= errors.length;
    return added;
  }
  do grow();
  while (shown < before);
  return element(
    "section",
    { "aria-label": "Errors" },
    cards,
    element("p", { class: "buttons" }, more),
  );
}

/** @param {Misclassification} error */
function errorCard(error) {
  const figure = card(
    error,
    { source: imageOf(error.id) },
    element("span", { class: "wrong" }, " taken for ", classTag(error.predicted)),
  );
  const picture = /** @type {HTMLImageElement} */ (figure.querySelector("img"));
  figure
    .querySelector("figcaption")
    ?.append(
      element(
        "p",
        { class: "quiet" },
        `${likelihood(error.probabilities[error.predicted])} sure; ${error.label} had `,
        `${likelihood(error.true_probability)}.`,
      ),
      ...(error.heatmap ? [heatmapSwitch(picture, error.id)] : []),
    );
  return figure;
}
