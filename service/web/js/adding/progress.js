/** Progress and outcomes of an addition, with the actions that follow. */

import { element } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { announce, preserveFocus } from "../core/status.js";
import { outcomeLists } from "./outcomes.js";

/**
 * @typedef {import("./addition.js").Addition} Addition
 * @typedef {import("./addition.js").OutcomeKind} OutcomeKind
 * @typedef {import("./new-images.js").NewImage} NewImage
 *
 * @callback Run begins another addition
 * @param {NewImage[]} images
 * @param {{ restores?: boolean }} [options]
 */

/**
 * Create the section of an addition, which follows it.
 *
 * @param {Addition} addition
 * @param {Run} run
 * @param {AbortSignal} signal aborted when the view is left
 */
export function progressSection(addition, run, signal) {
  const title = element("h2");
  const bar = element("progress", {
    max: addition.images.length,
    "aria-label": "Images with an outcome",
  });
  const message = element("p", { role: "alert" });
  const buttons = element("p", { class: "buttons" });
  const lists = element("div");
  const section = element("section", { "aria-label": "Progress", tabindex: -1 });
  section.append(title, bar, message, buttons, lists);
  update();
  showButtons();
  if (addition.state === "running") addition.events.addEventListener("change", follow, { signal });
  return section;

  function follow() {
    update();
    if (addition.state === "running") return;
    showButtons();
    announce(summary(addition));
  }

  function update() {
    const { outcomes, processed, state } = addition;
    title.textContent = summary(addition);
    bar.value = outcomes.length + processed;
    message.textContent = addition.message;
    message.hidden = addition.message === "";
    // A link that is in use stays until the end.
    if (state === "running" && lists.contains(document.activeElement)) return;
    preserveFocus(lists, section);
    lists.replaceChildren(...outcomeLists(outcomes));
  }

  function showButtons() {
    preserveFocus(buttons, section);
    const shown = addition.state === "running" ? [cancelButton()] : laterButtons(addition, run);
    buttons.replaceChildren(...shown, element("a", { href: "#/map" }, "Show the map"));
  }

  function cancelButton() {
    return action("Cancel", addition.cancel);
  }
}

/** @param {Addition} addition @param {Run} run */
function laterButtons({ images, outcomes }, run) {
  const rest = images.slice(outcomes.length).filter(hasFile);
  const failed = imagesOf("failed");
  const deleted = imagesOf("deleted_before");
  const buttons = [];
  if (rest.length > 0) {
    buttons.push(action(`Add the other ${number(rest.length)}`, () => run(rest)));
  }
  if (failed.length > 0) {
    buttons.push(action(`Try the ${number(failed.length)} failed again`, () => run(failed)));
  }
  if (deleted.length > 0) {
    const restore = () => run(deleted, { restores: true });
    buttons.push(action(`Add the ${number(deleted.length)} deleted again`, restore));
  }
  return buttons;

  /** @param {OutcomeKind} kind */
  function imagesOf(kind) {
    const found = outcomes.filter(({ outcome }) => outcome === kind);
    return found.map(({ image }) => image).filter(hasFile);
  }
}

/** Return whether an image can be sent again. @param {NewImage} image */
function hasFile({ file }) {
  return file !== null;
}

/** @param {string} text @param {() => void} click */
function action(text, click) {
  return element("button", { type: "button", click }, text);
}

/** @param {Addition} addition */
function summary({ images, outcomes, processed, state }) {
  const total = plural(images.length, "image");
  const done = number(outcomes.length + processed);
  if (state === "running") return `Adding: ${done} of ${total}`;
  const added = outcomes.filter(({ outcome }) => outcome === "added").length;
  const result = `${number(added)} of ${total} added`;
  return state === "done" ? result : `Ended after ${done}: ${result}`;
}
