/** Export of images as a file. */

import { callApi } from "../core/api.js";
import { element } from "../core/dom.js";
import { plural } from "../core/format.js";
import { toast } from "../core/status.js";
import { filteredUrl } from "../filters/image-filter.js";
import { alternatives, openDialog } from "./action-dialog.js";
import { presentIds } from "./actions.js";

const SECONDS_BEFORE_REVOCATION = 60;

/** Ask for a format, and export the selected images. */
export function exportSelected() {
  const ids = presentIds();
  ask(`Export ${plural(ids.length, "image")}`, (format, thumbnails) =>
    callApi("/export", { json: { ids, format, thumbnails }, asFile: true }),
  );
}

/** Ask for a format, and export a saved selection. @param {string} name */
export function exportSaved(name) {
  ask(`Export the selection “${name}”`, (format, thumbnails) => {
    const query = new URLSearchParams({
      selection: name,
      format,
      thumbnails: String(thumbnails),
    });
    return callApi(filteredUrl("/export", query), { asFile: true });
  });
}

/**
 * @param {string} title
 * @param {(format: string, thumbnails: boolean) => Promise<{ file: Blob, name: string }>} load
 */
function ask(title, load) {
  const thumbnails = element(
    "label",
    { class: "check" },
    element("input", { type: "checkbox", name: "thumbnails" }),
    "With thumbnails",
  );
  const formats = alternatives("format", "Format", [
    { value: "parquet", text: "Parquet: records, embeddings, map", checked: true },
    { value: "csv", text: "CSV: records" },
    { value: "folder", text: "Images in a folder for each class (zip)" },
  ]);
  formats.addEventListener("change", ({ target }) => {
    thumbnails.hidden = target instanceof HTMLInputElement && target.value !== "parquet";
  });
  openDialog({
    title,
    fields: [formats, thumbnails],
    action: "Export",
    submit: async (data) => {
      const format = String(data.get("format"));
      const hasThumbnails = format === "parquet" && data.has("thumbnails");
      const { file, name } = await load(format, hasThumbnails);
      offer(file, name);
      toast(`${name} was exported.`);
    },
  });
}

/** Let the browser save a file. @param {Blob} file @param {string} name */
function offer(file, name) {
  const url = URL.createObjectURL(file);
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), SECONDS_BEFORE_REVOCATION * 1000);
}
