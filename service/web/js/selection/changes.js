/** Changes of many images, each with an offer to take it back. */

import { callApi } from "../core/api.js";
import { ApiError } from "../core/api-error.js";
import { plural } from "../core/format.js";
import { setLeftOut } from "../core/left-out.js";
import { toast } from "../core/status.js";
import { offerUndo } from "../core/undo.js";

const MAX_IDS = 10_000;
const MAX_DECISIONS = 40_000;

/**
 * @typedef {object} Change of each image; absent parts stay
 * @property {string | null} [label]
 * @property {boolean} [new_class] whether the label may be a new class
 * @property {string[]} [add_tags]
 * @property {string[]} [remove_tags]
 * @property {boolean} [deleted]
 */

/** Outcomes without an effect. */
const UNCHANGED = "unchanged";

/**
 * Change images, say what was done, and offer to take it back. If a later part of many images
 * fails, the earlier parts stay changed and can be taken back.
 *
 * @param {string[]} ids
 * @param {Change} change
 * @param {string} done what was done to the images, such as “relabelled as lake”
 * @param {Record<string, string>} [tags] entity tags of images on which the change is based, by id;
 *   if one of them changed meanwhile, nothing is written
 * @throws {ApiError}
 */
export async function changeImages(ids, change, done, tags = {}) {
  /** @type {string[]} */
  const decisions = [];
  let changed = 0;
  try {
    for (const part of parts(ids, MAX_IDS)) {
      const known = part.filter((id) => id in tags).map((id) => [id, tags[id]]);
      const json = { ids: part, if_match: Object.fromEntries(known), ...change };
      const answer = await callApi("/changes", { json });
      decisions.push(...answer.decisions);
      changed += part.length - (answer.outcomes[UNCHANGED] ?? 0);
      if (change.deleted !== undefined) setLeftOut(part, change.deleted);
    }
  } catch (error) {
    if (error instanceof ApiError && error.kind === "not found") setLeftOut(error.ids, true);
    throw error;
  } finally {
    if (decisions.length > 0) {
      offerUndo(`${plural(changed, "image")} ${done}.`, () => takeBack(decisions, ids, change));
    }
  }
  if (decisions.length === 0)
    toast(`Nothing changed: ${plural(ids.length, "image")} had that state.`);
}

/** @param {string[]} decisions @param {string[]} ids @param {Change} change */
async function takeBack(decisions, ids, { deleted }) {
  try {
    // The newest first, because only the last decision about an image can be taken back.
    for (const part of parts(decisions, MAX_DECISIONS).reverse()) {
      await callApi("/undo", { json: { decisions: part } });
    }
    if (deleted !== undefined) setLeftOut(ids, !deleted);
    toast("The change was taken back.");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(`The change was not taken back. ${error.message}`);
  }
}

/**
 * @template Item
 * @param {Item[]} items
 * @param {number} size
 */
function parts(items, size) {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
