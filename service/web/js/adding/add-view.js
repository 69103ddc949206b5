/** View that adds images to the collection: files or folders, with an outcome for each file. */

import { element } from "../core/dom.js";
import { plural } from "../core/format.js";
import { isWritable, readOnlyNote } from "../core/permission.js";
import { announce, errorNotice, loading, preserveFocus, toast } from "../core/status.js";
import { receiveFiles } from "../images/upload.js";
import { loadPoints } from "../map/points.js";
import { resumeAddition, startAddition } from "./addition.js";
import { chosenImages } from "./chosen-images.js";
import { chosenFiles, transferredFiles } from "./files.js";
import { rememberedJob } from "./job.js";
import { isNamedAsImage, newImages } from "./new-images.js";
import { progressSection } from "./progress.js";

const ACCEPTED = "image/jpeg,image/png,image/webp,image/avif,.heic,.heif,.hif";

/**
 * @typedef {import("./addition.js").Addition} Addition
 * @typedef {import("./files.js").FoundFile} FoundFile
 * @typedef {import("./new-images.js").NewImage} NewImage
 * @typedef {import("./new-images.js").Labelling} Labelling
 */

/** Files that wait for the button. @type {FoundFile[]} */
let waiting = [];

/** The last addition; its outcomes stay until the next one. @type {Addition | null} */
let addition = null;

/** @type {import("../router.js").View} */
export async function addView(host, { signal }) {
  const content = element("div", { class: "adding", tabindex: -1 });
  const job = addition ? null : rememberedJob();
  if (job) addition = resumeAddition(job);
  host.replaceChildren(
    element("h1", {}, "Add images"),
    element(
      "p",
      { class: "lead" },
      "Drop images or folders anywhere on this page, or choose them. Adding replaces no stored ",
      "image. The model recognizes new images at once, and learns from them in the next training.",
    ),
    ...[readOnlyNote()].filter((each) => each !== null),
    choosers(collect),
    content,
  );
  receiveFiles(
    {
      invitation: "Drop images or folders to add them",
      receive: (transfer) => collect(transferredFiles(transfer)),
    },
    signal,
  );
  show();

  /** @param {FoundFile[] | Promise<FoundFile[]>} files */
  async function collect(files) {
    if (!isWritable()) return toast("This service does not accept changes.");
    if (addition?.state === "running") return toast("Wait until the other images are added.");
    const found = await files;
    const images = found.filter(isNamedAsImage);
    const others = found.length - images.length;
    waiting = [...waiting, ...images];
    if (images.length === 0) toast("There are no image files among these.");
    else if (others > 0) toast(`${plural(others, "other file")} left out.`);
    if (signal.aborted) return;
    show();
    if (images.length > 0) announce(`${plural(waiting.length, "image")} chosen.`);
  }

  function show() {
    preserveFocus(content);
    content.replaceChildren();
    if (waiting.length > 0) content.append(chosen());
    else if (addition) content.append(progressSection(addition, run, signal));
  }

  function chosen() {
    return chosenImages(waiting, begin, () => {
      waiting = [];
      show();
      content.focus();
    });
  }

  /** @param {Labelling} labelOf */
  async function begin(labelOf) {
    preserveFocus(content);
    content.replaceChildren(loading("Comparing with the stored images …"));
    let taken;
    try {
      taken = await storedIds();
    } catch (error) {
      if (!signal.aborted) {
        content.replaceChildren(errorNotice(error, () => begin(labelOf), signal));
      }
      return;
    }
    if (signal.aborted) return;
    const files = waiting;
    waiting = [];
    run(newImages(files, labelOf, taken));
  }

  /** @param {NewImage[]} images @param {{ restores?: boolean }} [options] */
  function run(images, options) {
    addition = startAddition(images, options);
    show();
    content.focus();
  }
}

/** Return the ids of the stored images; those of the map are all. */
async function storedIds() {
  return (await loadPoints()).map(({ id }) => id);
}

/** @param {(files: FoundFile[]) => void} collect */
function choosers(collect) {
  return element(
    "p",
    { class: "buttons" },
    fileChooser("Choose images", { accept: ACCEPTED }, collect),
    fileChooser("Choose a folder", { webkitdirectory: true }, collect),
  );
}

/**
 * @param {string} text
 * @param {Record<string, unknown>} attributes of the input
 * @param {(files: FoundFile[]) => void} collect
 */
function fileChooser(text, attributes, collect) {
  const input = element("input", {
    type: "file",
    multiple: true,
    hidden: true,
    ...attributes,
    change: () => {
      collect(chosenFiles(/** @type {FileList} */ (input.files)));
      // Otherwise choosing the same files again would dispatch no event.
      input.value = "";
    },
  });
  const button = element(
    "button",
    { type: "button", disabled: !isWritable(), click: () => input.click() },
    text,
  );
  return element("span", {}, button, input);
}
