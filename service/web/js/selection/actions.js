/** Actions that change the selected images: label, tags, leaving out and restoring. */

import { ApiError } from "../core/api-error.js";
import { allClasses, classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { plural } from "../core/format.js";
import { knownTags } from "../core/image-cache.js";
import { isLeftOut } from "../core/left-out.js";
import { selectedIds } from "../core/selection.js";
import { loadFacets } from "../filters/facets.js";
import { alternatives, openDialog, textField } from "./action-dialog.js";
import { changeImages } from "./changes.js";

const NO_LABEL = "none";
const OTHER = "other";
const NEW_CLASS = "new_class";
// The rest of a value is the name of a class.
const CLASS = "class:";

/** Return the selected images that are in the collection. */
export function presentIds() {
  return selectedIds().filter((id) => !isLeftOut(id));
}

/** Return the selected images that are left out, as far as known. */
export function leftOutIds() {
  return selectedIds().filter(isLeftOut);
}

/** Return the present images with the entity tags that are known now, when a dialog is opened. */
function presentImages() {
  const ids = presentIds();
  return { ids, tags: knownTags(ids) };
}

/** Ask for a label, and give it to the selected images. */
export function relabel() {
  const { ids, tags } = presentImages();
  const other = textField("name", "Name of the other class", { maxlength: 200 });
  const input = /** @type {HTMLInputElement} */ (other.querySelector("input"));
  const choices = alternatives("label", "New label", [
    ...allClasses().map((label) => ({ value: CLASS + label, text: classTag(label) })),
    { value: NO_LABEL, text: "No label" },
    { value: OTHER, text: "Another class" },
  ]);
  const isNew = confirmation();
  other.hidden = true;
  choices.addEventListener("change", ({ target }) => {
    const isOther = target instanceof HTMLInputElement && target.value === OTHER;
    other.hidden = !isOther;
    input.required = isOther;
    isNew.withdraw();
  });
  input.addEventListener("input", isNew.withdraw);
  openDialog({
    title: `Relabel ${plural(ids.length, "image")}`,
    fields: [choices, other, isNew.field],
    action: "Relabel",
    ids,
    submit: async (data, included) => {
      const label = chosenLabel(data);
      const done = label === null ? "left without a label" : `relabelled as ${label}`;
      const change = data.has(NEW_CLASS) ? { label, new_class: true } : { label };
      try {
        await changeImages(included, change, done, tags);
      } catch (error) {
        if (error instanceof ApiError && error.kind === "new class") isNew.ask(label);
        throw error;
      }
    },
  });
}

/** Create the check box that confirms a new class; it is shown when the service asks for it. */
function confirmation() {
  const text = element("span");
  const box = element("input", { type: "checkbox", name: NEW_CLASS });
  const field = element("label", { class: "check", hidden: true }, box, text);
  return {
    field,
    /** @param {string | null} label */
    ask(label) {
      text.textContent = `Create the class “${label}”`;
      field.hidden = false;
      box.required = true;
    },
    withdraw() {
      field.hidden = true;
      box.required = box.checked = false;
    },
  };
}

/** @param {FormData} data */
function chosenLabel(data) {
  const chosen = String(data.get("label"));
  if (chosen === NO_LABEL) return null;
  return chosen === OTHER ? String(data.get("name")).trim() : chosen.slice(CLASS.length);
}

/** Ask for a tag, and add it to the selected images or remove it. */
export function tag() {
  const { ids, tags } = presentImages();
  const field = textField("tag", "Tag", { required: true, maxlength: 64 });
  suggestTags(field);
  openDialog({
    title: `Tag ${plural(ids.length, "image")}`,
    fields: [
      field,
      alternatives("change", "Change", [
        { value: "add_tags", text: "Add the tag", checked: true },
        { value: "remove_tags", text: "Remove the tag" },
      ]),
    ],
    action: "Apply",
    ids,
    submit: (data, included) => {
      const change = String(data.get("change"));
      const name = String(data.get("tag")).trim();
      const done = change === "add_tags" ? `tagged “${name}”` : `without the tag “${name}” now`;
      return changeImages(included, { [change]: [name] }, done, tags);
    },
  });
}

/** Suggest the tags of the collection in a text field. @param {HTMLElement} field */
async function suggestTags(field) {
  try {
    const { tag } = await loadFacets(new URLSearchParams());
    const options = tag.values.map(({ value }) => element("option", { value }));
    field.querySelector("datalist")?.replaceChildren(...options);
  } catch (error) {
    // Without suggestions, tags can be typed.
    if (!(error instanceof ApiError)) throw error;
  }
}

/** Ask, and leave the selected images out of the collection. */
export function leaveOut() {
  const { ids, tags } = presentImages();
  openDialog({
    title: `Leave out ${plural(ids.length, "image")}`,
    fields: [
      element(
        "p",
        {},
        "They disappear from lists, searches and the map, and the next training does not use them. ",
        "Their files stay stored, so that they can be restored.",
      ),
    ],
    action: "Leave out",
    ids,
    submit: (_, included) => changeImages(included, { deleted: true }, "left out", tags),
  });
}

/** Restore the selected images that are left out. */
export function restore() {
  return changeImages(leftOutIds(), { deleted: false }, "restored");
}
