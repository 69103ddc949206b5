/** Images that the page knows to be left out of the collection: deleted, and not restored. */

/** @type {Set<string>} */
const known = new Set();

/** Return whether an image was left out, as far as known. @param {string} id */
export function isLeftOut(id) {
  return known.has(id);
}

/** @param {Iterable<string>} ids @param {boolean} leftOut */
export function setLeftOut(ids, leftOut) {
  const before = known.size;
  for (const id of ids) {
    if (leftOut) known.add(id);
    else known.delete(id);
  }
  if (known.size !== before) dispatchEvent(new Event("selection"));
}
