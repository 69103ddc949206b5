/** Note about decisions that wait for the service or for the user. */

import { element, inlineCode } from "../core/dom.js";
import { plural } from "../core/format.js";
import { preserveFocus } from "../core/status.js";
import { discardOutbox, outboxEvents, outboxState, resumeOutbox } from "./outbox.js";

/** Create the note about decisions that wait. @param {AbortSignal} signal */
export function outboxNote(signal) {
  const note = element("div", { class: "messages" });
  let shown = "";
  outboxEvents.addEventListener("change", update, { signal });
  update();
  return note;

  function update() {
    const { count, trouble, isHalted } = outboxState();
    const text =
      trouble === null ? "" : `${plural(count, "decision")} not saved yet. ${trouble.message}`;
    if (text === shown) return;
    shown = text;
    preserveFocus(note);
    note.replaceChildren(...(trouble === null ? [] : [pauseNote(text, isHalted)]));
  }
}

/** @param {string} text @param {boolean} isHalted */
function pauseNote(text, isHalted) {
  return element(
    "p",
    { class: "read-only", role: "alert" },
    ...inlineCode(text),
    isHalted ? " " : " The page tries again automatically. ",
    element("button", { type: "button", click: resumeOutbox }, "Try again"),
    isHalted && " ",
    isHalted && element("button", { type: "button", click: discardOutbox }, "Discard"),
  );
}
