/** Clearing of the selection, which can be undone. */

import { plural } from "./format.js";
import { replaceSelection, select, selectedIds } from "./selection.js";
import { offerUndo } from "./undo.js";

/** Deselect all images. */
export function clearSelection() {
  const ids = selectedIds();
  if (ids.length === 0) return;
  replaceSelection([]);
  offerUndo(`${plural(ids.length, "image")} deselected.`, () => select(ids));
}
