/** Deletion of images in the review; one of validation images is asked about. */

import { number, plural } from "../core/format.js";
import { sendDecision } from "./outbox.js";

/**
 * @typedef {object} DeletedImage
 * @property {string} id
 * @property {string} etag
 * @property {import("./review-item.js").Effect | null} affects
 */

/**
 * Propose a deletion.
 *
 * @param {DeletedImage[]} images
 * @returns {import("./review-view.js").Proposal}
 */
export function deletion(images) {
  const seen = Object.fromEntries(images.map(({ id, etag }) => [id, etag]));
  return {
    question: questionAbout(images),
    send: () =>
      sendDecision({ path: "/changes", json: { ids: Object.keys(seen), deleted: true }, seen }),
  };
}

/** @param {DeletedImage[]} images */
function questionAbout(images) {
  const [first, ...others] = images.flatMap(({ affects }) => affects ?? []);
  if (!first) return null;
  const count = 1 + others.length;
  return (
    `Delete ${plural(count, "validation image")}? Models are judged by ` +
    `${number(first.validation)} such images.`
  );
}
