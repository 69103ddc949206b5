/** Dialog of one action on the selected images. */

import { ApiError } from "../core/api-error.js";
import { element, inlineCode } from "../core/dom.js";
import { number } from "../core/format.js";

const UNEXPECTED = "An unexpected error occurred. The browser console contains the details.";

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {HTMLElement[]} fields
 * @property {string} action name of the button
 * @property {string[]} [ids] images that the action is about
 * @property {(data: FormData, ids: string[]) => Promise<void>} submit the dialog closes when it
 *   resolves; an error is shown in the dialog. If it names some of the images, the user may go on
 *   without them.
 */

/** Open the dialog; it is removed when it closes. @param {Question} question */
export function openDialog({ title, fields, action, ids = [], submit }) {
  let included = ids;
  /** @type {string[]} */
  let rest = [];
  const alert = element("p", { role: "alert", class: "incorrect", hidden: true });
  const send = element("button", { class: "primary" }, action);
  const goOn = element("button", { hidden: true, click: () => (included = rest) });
  const form = element(
    "form",
    { submit: onSubmit },
    element("h2", { id: "action-title" }, title),
    ...fields,
    alert,
    element(
      "p",
      { class: "buttons" },
      send,
      goOn,
      element("button", { type: "button", click: close }, "Cancel"),
    ),
  );
  const dialog = element(
    "dialog",
    { class: "action", "aria-labelledby": "action-title", close: remove },
    form,
  );
  document.body.append(dialog);
  addEventListener("hashchange", close);
  dialog.showModal();

  function close() {
    dialog.close();
  }

  function remove() {
    removeEventListener("hashchange", close);
    dialog.remove();
  }

  /** @param {SubmitEvent} event */
  async function onSubmit(event) {
    event.preventDefault();
    const data = new FormData(form);
    send.disabled = true;
    alert.hidden = true;
    goOn.hidden = true;
    try {
      await submit(data, included);
      close();
    } catch (error) {
      if (!(error instanceof ApiError)) reportError(error);
      alert.replaceChildren(...inlineCode(error instanceof ApiError ? error.message : UNEXPECTED));
      alert.hidden = false;
      if (error instanceof ApiError) offerRest(new Set(error.ids));
    } finally {
      send.disabled = false;
    }
  }

  /** Offer to go on without the images that an error concerns. @param {Set<string>} concerned */
  function offerRest(concerned) {
    rest = included.filter((id) => !concerned.has(id));
    goOn.hidden = rest.length === 0 || rest.length === included.length;
    goOn.textContent = `Go on with the other ${number(rest.length)}`;
    if (!goOn.hidden) goOn.focus();
  }
}

/**
 * Create a group of alternatives.
 *
 * @param {string} name
 * @param {string} legend
 * @param {{ value: string, text: import("../core/dom.js").Child, checked?: boolean }[]} choices
 */
export function alternatives(name, legend, choices) {
  return element(
    "fieldset",
    { class: "alternatives" },
    element("legend", {}, legend),
    ...choices.map(({ value, text, checked }) =>
      element(
        "label",
        {},
        element("input", { type: "radio", name, value, required: true, checked }),
        element("span", {}, text),
      ),
    ),
  );
}

/**
 * Create a text field with suggestions.
 *
 * @param {string} name
 * @param {string} title
 * @param {Record<string, unknown>} [attributes]
 * @param {string[]} [suggestions]
 */
export function textField(name, title, attributes = {}, suggestions = []) {
  const list = `${name}-suggestions`;
  return element(
    "label",
    { class: "field" },
    title,
    element("input", { name, type: "text", autocomplete: "off", list, ...attributes }),
    element("datalist", { id: list }, ...suggestions.map((value) => element("option", { value }))),
  );
}
