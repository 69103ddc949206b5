/** View of the saved selections. */

import { ApiError } from "../core/api-error.js";
import { callApi } from "../core/api.js";
import { element } from "../core/dom.js";
import { dateTime, plural } from "../core/format.js";
import { isWritable, readOnlyNote } from "../core/permission.js";
import { replaceSelection } from "../core/selection.js";
import { toast } from "../core/status.js";
import { selectionMapUrl } from "../core/urls.js";
import { filterOf, filterText } from "../filters/image-filter.js";
import { openDialog } from "./action-dialog.js";
import { exportSaved } from "./export.js";
import { deleteSelection, loadSelections } from "./saving.js";

/** @typedef {import("./saving.js").SavedSelection} SavedSelection */

const MAX_IDS = 100_000;

/** @type {import("../router.js").View} */
export async function selectionsView(host, { signal }) {
  const selections = await loadSelections();
  if (signal.aborted) return;
  const list = element("ul", { class: "versions saved" });
  host.replaceChildren(
    element("h1", {}, "Selections"),
    element(
      "p",
      { class: "lead" },
      "A saved selection is a fixed set of images, or all images that match a filter. Select ",
      "images on the ",
      element("a", { href: "#/map" }, "map"),
      " or in a gallery, and save them.",
    ),
    ...[readOnlyNote()].filter((each) => each !== null),
    list,
  );
  show(selections);
  return plural(selections.length, "selection");

  /** @param {SavedSelection[]} shown */
  function show(shown) {
    list.replaceChildren(...shown.map((each) => item(each, removed)));
    if (shown.length === 0) list.replaceChildren(element("li", {}, "There are none yet."));
  }

  /** @param {SavedSelection} selection */
  async function removed({ name }) {
    const left = await loadSelections();
    if (signal.aborted) return;
    show(left);
    toast(`The selection “${name}” was deleted.`);
    host.focus();
  }
}

/** @param {SavedSelection} selection @param {(selection: SavedSelection) => void} onDelete */
function item(selection, onDelete) {
  const { name, kind, images, missing, filter, by, changed } = selection;
  return element(
    "li",
    {},
    element("h2", {}, name, element("strong", { class: "mark" }, kind)),
    element(
      "p",
      {},
      plural(images, "image"),
      missing > 0 && `, ${plural(missing, "other")} left out`,
      filter && `: ${filterText(filterOf(filter)) || "all images"}`,
    ),
    element("p", { class: "secondary" }, `Saved by ${by}, ${dateTime(changed)}`),
    element(
      "p",
      { class: "buttons" },
      element("a", { href: selectionMapUrl(name) }, "Show on the map"),
      button("Select", name, () => selectImages(name)),
      button("Export …", name, () => exportSaved(name)),
      button("Delete …", name, () => askToDelete(selection, onDelete), !isWritable()),
    ),
  );
}

/** @param {string} text @param {string} name @param {() => void} click @param {boolean} [disabled] */
function button(text, name, click, disabled = false) {
  return element(
    "button",
    { type: "button", click, disabled },
    text,
    element("span", { class: "visually-hidden" }, ` ${name}`),
  );
}

/** Select the images of a saved selection. @param {string} name */
async function selectImages(name) {
  const query = new URLSearchParams({ selection: name, limit: String(MAX_IDS) });
  try {
    const { ids } = await callApi(`/ids?${query}`);
    replaceSelection(ids);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message);
  }
}

/** @param {SavedSelection} selection @param {(selection: SavedSelection) => void} onDelete */
function askToDelete(selection, onDelete) {
  openDialog({
    title: `Delete the selection “${selection.name}”`,
    fields: [element("p", {}, "Its images stay in the collection.")],
    action: "Delete",
    submit: async () => {
      await deleteSelection(selection.name);
      onDelete(selection);
    },
  });
}
