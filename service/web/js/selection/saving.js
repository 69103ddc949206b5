/** Saving of selections: a fixed set of images, or a filter. */

import { callApi } from "../core/api.js";
import { ApiError } from "../core/api-error.js";
import { plural } from "../core/format.js";
import { toast } from "../core/status.js";
import { encodeId } from "../core/urls.js";
import { filterObject, filterText, parseFilter } from "../filters/image-filter.js";
import { alternatives, openDialog, textField } from "./action-dialog.js";
import { presentIds } from "./actions.js";

const MAX_LENGTH = 80;

/**
 * @typedef {object} SavedSelection
 * @property {string} name
 * @property {"fixed" | "live"} kind
 * @property {number} images number of them
 * @property {number} missing number of ids whose images are left out
 * @property {Record<string, unknown> | null} filter of a live selection
 * @property {string} by
 * @property {string} changed time
 */

/** @returns {Promise<SavedSelection[]>} */
export async function loadSelections() {
  const { selections } = await callApi("/selections");
  return selections;
}

/** @param {string} name */
export function deleteSelection(name) {
  return callApi(`/selections/${encodeId(name)}`, { method: "DELETE" });
}

/** Ask for a name, and save the selected images or the filter of the map. */
export function save() {
  const ids = presentIds();
  const filter = currentFilter();
  let confirmed = "";
  openDialog({
    title: "Save a selection",
    fields: [
      textField("name", "Name", { required: true, maxlength: MAX_LENGTH }),
      ...(filter.size > 0
        ? [
            alternatives("kind", "Content", [
              { value: "fixed", text: `These ${plural(ids.length, "image")}`, checked: true },
              { value: "live", text: `All that match now and later: ${filterText(filter)}` },
            ]),
          ]
        : []),
    ],
    action: "Save",
    submit: async (data) => {
      const name = String(data.get("name")).trim();
      const isKnown = (await loadSelections()).some((each) => each.name === name);
      if (isKnown && confirmed !== name) {
        confirmed = name;
        const text = `A selection “${name}” exists. Save again to replace it, or change the name.`;
        throw new ApiError("conflict", text);
      }
      const content = data.get("kind") === "live" ? { filter: filterObject(filter) } : { ids };
      await callApi(`/selections/${encodeId(name)}`, { method: "PUT", json: content });
      toast(`The selection “${name}” was saved.`);
    },
  });
}

/** Return the filter of the map, if it can be saved. */
function currentFilter() {
  const [path, query] = location.hash.split("?");
  const filter = parseFilter(new URLSearchParams(path === "#/map" ? query : ""));
  // A saved filter cannot name another selection.
  return filter.has("selection") ? new URLSearchParams() : filter;
}
