/** Button that selects all images that a view lists. */

import { element } from "../core/dom.js";
import { number } from "../core/format.js";
import { select } from "../core/selection.js";

/** @typedef {{ id: string }} Listed */

/** @param {readonly Listed[]} [initial] */
export function selectAllButton(initial = []) {
  let listed = initial;
  const button = element("button", {
    type: "button",
    click: () => select(listed.map(({ id }) => id)),
  });

  /** @param {readonly Listed[]} images */
  function update(images) {
    listed = images;
    button.disabled = images.length === 0;
    button.textContent = `Select all ${number(images.length)}`;
  }

  update(initial);
  return { element: element("p", { class: "matching" }, button), update };
}
