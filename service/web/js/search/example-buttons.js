/** Buttons of an image that make it an example or counter-example of a search. */

import { element } from "../core/dom.js";
import { plural } from "../core/format.js";
import { announce } from "../core/status.js";
import { countExamples, currentExamples, kindOf, searchUrl, toggleExample } from "./examples.js";

const GROUP = "example-buttons";

/** @type {[import("./examples.js").Kind, string][]} */
const KINDS = [
  ["like", "More like this"],
  ["unlike", "Less like this"],
];

addEventListener("examples", () => {
  for (const each of document.querySelectorAll(`.${GROUP}`)) {
    update(/** @type {HTMLElement} */ (each));
  }
});

/**
 * Create the buttons of an image; once it is chosen, a link to the search follows them.
 *
 * @param {string} id
 * @param {object} [options]
 * @param {boolean} [options.linked] whether the link is shown; default true
 */
export function exampleButtons(id, { linked = true } = {}) {
  const group = element(
    "p",
    { class: GROUP, "data-id": id },
    ...KINDS.map(([kind, name]) =>
      element(
        "button",
        {
          type: "button",
          "data-kind": kind,
          click: () => {
            toggleExample(id, kind);
            announce(summary());
          },
        },
        name,
      ),
    ),
    linked && element("a", { class: "search-link", href: "#/search" }),
  );
  update(group);
  return group;
}

/** @param {HTMLElement} group */
function update(group) {
  const chosen = kindOf(group.dataset.id ?? "");
  for (const button of group.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.kind === chosen));
  }
  const link = group.querySelector("a");
  if (!link) return;
  link.hidden = chosen === null || currentExamples().like.length === 0;
  link.href = searchUrl(currentExamples());
  link.textContent = `Search with ${plural(countExamples(), "image")}`;
}

function summary() {
  const { like, unlike } = currentExamples();
  return `Search: ${plural(like.length, "example")}, ${plural(unlike.length, "counter-example")}.`;
}
