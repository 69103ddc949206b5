/**
 * Selected images, shared by all views. Each change dispatches a `selection` event; a reload of the
 * page keeps the selection.
 */

const STORAGE_NAME = "belvedere-selection";

let selected = new Set(storedIds());

addEventListener("pagehide", store);

/** Return the ids of the selected images, in the order of their selection. */
export function selectedIds() {
  return [...selected];
}

/** Return the number of selected images. */
export function selectionSize() {
  return selected.size;
}

/** Return whether an image is selected. @param {string} id */
export function isSelected(id) {
  return selected.has(id);
}

/** Add images to the selection. @param {Iterable<string>} ids */
export function select(ids) {
  change((next) => {
    for (const id of ids) next.add(id);
  });
}

/** Remove images from the selection. @param {Iterable<string>} ids */
export function deselect(ids) {
  change((next) => {
    for (const id of ids) next.delete(id);
  });
}

/** Select an image, or deselect it if it is selected. @param {string} id */
export function toggleSelected(id) {
  if (selected.has(id)) deselect([id]);
  else select([id]);
}

/** Select only these images. @param {Iterable<string>} ids */
export function replaceSelection(ids) {
  selected = new Set(ids);
  dispatchEvent(new Event("selection"));
}

/** @param {(ids: Set<string>) => void} edit */
function change(edit) {
  const before = selected.size;
  edit(selected);
  if (selected.size !== before) dispatchEvent(new Event("selection"));
}

function store() {
  try {
    sessionStorage.setItem(STORAGE_NAME, JSON.stringify([...selected]));
  } catch {
    // Without storage, or if the ids exceed it, a reload clears the selection.
  }
}

/** @returns {string[]} */
function storedIds() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_NAME) ?? "[]");
  } catch {
    return [];
  }
}
