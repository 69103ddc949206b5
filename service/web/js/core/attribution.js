/** Attribution of an image: title, photographer and licence, shown next to every image. */

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

let isGenerated = false;

/** @param {boolean} value whether the collection consists of generated images */
export function setGenerated(value) {
  isGenerated = value;
}

/**
 * Create a line with title, photographer and licence, linked to the page of the image and to the
 * licence.
 *
 * @param {Attribution | null} attribution
 */
export function attributionLine(attribution) {
  if (!attribution) {
    return element(
      "p",
      { class: "attribution" },
      isGenerated ? "Generated scene" : "Photographer unknown",
    );
  }
  const { title, photographer, licence, licence_url: terms, page, source } = attribution;
  return element(
    "p",
    { class: "attribution" },
    externalLink(title ?? "Untitled", page ?? source),
    photographer && ` by ${photographer}`,
    licence && ", ",
    licence && externalLink(licence, terms),
  );
}

/**
 * Return title, photographer and licence as text.
 *
 * @param {Attribution | null} attribution
 */
export function attributionText(attribution) {
  return attributionLine(attribution).textContent ?? "";
}

/** @param {string} text @param {string | null} url */
function externalLink(text, url) {
  // URLs come from the data set: a scheme that runs code must not become a link.
  if (!url || !/^https?:/.test(url)) return text;
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);
}
