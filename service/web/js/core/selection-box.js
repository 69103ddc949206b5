/** Check boxes that select images. With Shift, a box also changes all boxes since the last one. */

import { element } from "./dom.js";
import { deselect, isSelected, select } from "./selection.js";

/** Box that was changed last. @type {HTMLInputElement | null} */
let last = null;

addEventListener("selection", () => {
  for (const box of boxesIn(document)) box.checked = isSelected(box.value);
});

/**
 * Create the box of an image.
 *
 * @param {string} id
 * @param {string} name accessible name, such as the alternative text of the image
 */
export function selectionBox(id, name) {
  const box = element("input", {
    type: "checkbox",
    class: "select",
    value: id,
    "aria-label": `Select ${name}`,
    click: onClick,
  });
  box.checked = isSelected(id);
  return box;
}

/** @param {MouseEvent} event */
function onClick({ shiftKey, currentTarget }) {
  const box = /** @type {HTMLInputElement} */ (currentTarget);
  const ids = (shiftKey ? rangeTo(box) : [box]).map(({ value }) => value);
  if (box.checked) select(ids);
  else deselect(ids);
  last = box;
}

/** Return the boxes of the same gallery from the last one to this one. @param {HTMLInputElement} box */
function rangeTo(box) {
  const all = boxesIn(box.closest(".cards") ?? document);
  const ends = [last ? all.indexOf(last) : -1, all.indexOf(box)].sort((a, b) => a - b);
  return ends[0] < 0 ? [box] : all.slice(ends[0], ends[1] + 1);
}

/** @param {ParentNode} parent @returns {HTMLInputElement[]} */
function boxesIn(parent) {
  return [.../** @type {NodeListOf<HTMLInputElement>} */ (parent.querySelectorAll("input.select"))];
}
