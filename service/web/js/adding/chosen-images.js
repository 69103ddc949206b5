/** Form of the files that were chosen, with the choice of their label. */

import { allClasses, classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { countLabels, folderLabelling } from "./new-images.js";

const MAX_LABELS = 12;

/**
 * @typedef {import("./files.js").FoundFile} FoundFile
 * @typedef {import("./new-images.js").Labelling} Labelling
 */

/**
 * Create the form.
 *
 * @param {FoundFile[]} files
 * @param {(labelOf: Labelling) => void} begin
 * @param {() => void} clear
 */
export function chosenImages(files, begin, clear) {
  const paths = files.map(({ path }) => path);
  const fromFolder = folderLabelling(paths);
  const counts = element("p", { class: "sizes" });
  const newClasses = element("span");
  const confirmed = element("input", { type: "checkbox" });
  const confirmation = element("label", { class: "check" }, confirmed, newClasses);
  const name = element("input", {
    type: "text",
    list: "classes",
    maxlength: 100,
    "aria-label": "Name of the class",
    input: () => {
      one.checked = true;
      showCounts();
    },
  });
  const folder = choice("By folder", showCounts);
  const one = choice("One class:", showCounts);
  const none = choice("No label", showCounts);
  (paths.some((path) => fromFolder(path) !== null) ? folder : none).checked = true;
  showCounts();
  return element(
    "form",
    {
      class: "chosen",
      submit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        if (one.checked && !name.value.trim()) return name.focus();
        begin(labelling());
      },
    },
    element("h2", {}, `${plural(files.length, "image")} chosen`),
    element(
      "fieldset",
      {},
      element("legend", {}, "Label"),
      element("label", { class: "check" }, folder, "By folder"),
      element(
        "span",
        { class: "check" },
        element("label", { class: "check" }, one, "One class:"),
        name,
      ),
      element("label", { class: "check" }, none, "No label"),
      element("datalist", { id: "classes" }, ...allClasses().map((each) => option(each))),
    ),
    counts,
    confirmation,
    element(
      "p",
      { class: "buttons" },
      element(
        "button",
        { type: "submit", class: "primary" },
        `Add ${plural(files.length, "image")}`,
      ),
      element("button", { type: "button", click: clear }, "Clear"),
    ),
  );

  /** @returns {Labelling} */
  function labelling() {
    if (folder.checked) return fromFolder;
    const label = one.checked ? name.value.trim() || null : null;
    return () => label;
  }

  function showCounts() {
    const found = countLabels(paths, labelling());
    const rest = found.length - MAX_LABELS;
    const unknown = found.flatMap(([label]) => (isUnknown(label) ? [label] : []));
    askFor(unknown.map((label) => `“${label}”`).join(", "));
    counts.replaceChildren(
      ...found
        .slice(0, MAX_LABELS)
        .map(([label, count]) =>
          element(
            "span",
            {},
            classTag(label),
            ` ${number(count)}`,
            isUnknown(label) && element("span", { class: "secondary" }, " (unknown to the model)"),
          ),
        ),
      ...(rest > 0 ? [element("span", {}, `and ${number(rest)} more`)] : []),
    );
  }

  /** Ask for a confirmation of new classes, which may be misspelt. @param {string} classes */
  function askFor(classes) {
    const text = `Add images of classes that the model does not know: ${classes}`;
    if (newClasses.textContent === text) return;
    newClasses.textContent = text;
    confirmation.hidden = classes === "";
    confirmed.required = classes !== "";
    confirmed.checked = false;
  }
}

/** @param {string | null} label */
function isUnknown(label) {
  return label !== null && !allClasses().includes(label);
}

/** @param {string} text @param {() => void} change */
function choice(text, change) {
  return element("input", { type: "radio", name: "labelling", value: text, change });
}

/** @param {string} value */
function option(value) {
  return element("option", { value });
}
