/** One group of near-duplicates: its images side by side, with facts, the suggested one first. */

import { attributionLine } from "../core/attribution.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { number, splitName } from "../core/format.js";
import { altText } from "../core/image-card.js";
import { isWritable } from "../core/permission.js";
import { retryingImage } from "../core/retrying-image.js";
import { imageUrl, imageViewUrl } from "../core/urls.js";

/**
 * @typedef {object} DuplicateImage
 * @property {string} id
 * @property {string | null} label
 * @property {"train" | "validation" | "pool"} split
 * @property {number} width
 * @property {number} height
 * @property {number} sharpness
 * @property {number} distance to the best one
 * @property {import("../core/attribution.js").Attribution | null} attribution
 * @property {import("./review-item.js").Effect | null} affects
 * @property {string} etag
 *
 * @typedef {object} DuplicateGroup
 * @property {string} key
 * @property {string} best id
 * @property {number} distance
 * @property {boolean} thumbnails whether two thumbnails are nearly equal
 * @property {boolean} joins whether it has training and validation images
 * @property {DuplicateImage[]} images the best one first
 * @property {string} [note] on a change by another person
 */

/**
 * @param {DuplicateGroup} group
 * @param {(key: string) => void} choose keeps the image with a number, and deletes the others
 */
export function duplicateGroup(group, choose) {
  return [
    element("h2", {}, `${number(group.images.length)} images, ${closeness(group)}`),
    ...(group.note ? [element("p", { class: "read-only", role: "alert" }, group.note)] : []),
    ...(group.joins ? [joinNote()] : []),
    element(
      "div",
      { class: "cards duplicates" },
      ...group.images.map((image, index) => card(image, index, group, choose)),
    ),
  ];
}

function joinNote() {
  return element(
    "p",
    { class: "effect" },
    element("strong", {}, "Joins training and validation. "),
    "A model that learns from one of these images is judged by another one, so that its accuracy " +
      "says less about new images. A validation image is suggested: deleting training images " +
      "does not change the images by which models are judged.",
  );
}

/** Return the text that screen readers hear when a group appears. @param {DuplicateGroup} group */
export function groupAnnouncement(group) {
  const ids = group.images.map(({ id }) => id).join(", ");
  const joins = group.joins && "Joins training and validation.";
  return [group.note, `${number(group.images.length)} images: ${ids}.`, joins]
    .filter(Boolean)
    .join(" ");
}

/** @param {DuplicateGroup} group */
function closeness({ distance, thumbnails }) {
  const text = `smallest distance ${number(distance, 2)}`;
  return thumbnails ? `${text}, nearly equal thumbnails` : text;
}

/**
 * @param {DuplicateImage} image
 * @param {number} index
 * @param {DuplicateGroup} group
 * @param {(key: string) => void} choose
 */
function card(image, index, { best, images }, choose) {
  const { id, label, split, width, height, sharpness, distance } = image;
  const others = images.length - 1;
  return element(
    "figure",
    { class: "card" },
    element(
      "a",
      { href: imageViewUrl(id), class: "image-link" },
      retryingImage(imageUrl(id), altText(image)),
    ),
    element(
      "figcaption",
      {},
      element(
        "p",
        { class: "facts" },
        element("strong", {}, id),
        id === best && element("span", { class: "mark" }, "suggested"),
      ),
      element("p", { class: "facts" }, classTag(label), splitName(split)),
      image.affects && element("p", { class: "secondary" }, judged(image.affects)),
      element(
        "p",
        { class: "secondary" },
        `${width} × ${height} pixels, sharpness ${number(sharpness)}`,
        id !== best && `, distance ${number(distance, 2)}`,
      ),
      attributionLine(image.attribution),
      element(
        "button",
        { type: "button", disabled: !isWritable(), click: () => choose(String(index + 1)) },
        `Keep this, delete ${others === 1 ? "the other" : `${number(others)} others`}`,
        index < 9 && element("kbd", {}, index + 1),
      ),
    ),
  );
}

/** @param {import("./review-item.js").Effect} effect */
function judged({ validation, counted }) {
  const text = `One of ${number(validation)} images by which models are judged`;
  return counted ? `${text}, and counted by the published accuracy` : text;
}
