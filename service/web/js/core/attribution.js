/** Who made a photograph and under which licence: it stands wherever one is shown. */

import { element } from "./dom.js";

/**
 * @typedef {object} Attribution
 * @property {string | null} title
 * @property {string | null} photographer
 * @property {string | null} licence
 * @property {string | null} licence_url
 * @property {string | null} page
 * @property {string | null} source
 */

let generated = false;

/** @param {boolean} answer whether the collection is painted by the project itself */
export function learnWhetherGenerated(answer) {
  generated = answer;
}

/**
 * Title, photographer and licence, with links to the photograph's page and the licence.
 *
 * @param {Attribution | null} attribution
 */
export function credit(attribution) {
  if (!attribution) {
    return element("p", { class: "credit" }, generated ? "Generated scene" : "Maker unknown");
  }
  const { title, photographer, licence, licence_url: terms, page, source } = attribution;
  return element(
    "p",
    { class: "credit" },
    linked(title ?? "Untitled", page ?? source),
    photographer && ` by ${photographer}`,
    licence && ", ",
    licence && linked(licence, terms),
  );
}

/** @param {string} text @param {string | null} address */
function linked(text, address) {
  // An address comes from the collection's lists, so nothing but the web may be behind it.
  if (!address || !/^https?:/.test(address)) return text;
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, text);
}
