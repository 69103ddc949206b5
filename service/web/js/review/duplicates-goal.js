/** Review of near-duplicates: keep one of each group, all, or none. */

import { callApi } from "../core/api.js";
import { imageUrl } from "../core/urls.js";
import { ACTION_KEYS } from "./class-keys.js";
import { deletion } from "./deletion.js";
import { duplicateGroup, groupAnnouncement } from "./duplicate-group.js";
import { sendDecision } from "./outbox.js";

const MOST_GROUPS = 100;

/**
 * @typedef {import("./duplicate-group.js").DuplicateGroup} DuplicateGroup
 */

/** @type {import("./review-view.js").Goal<DuplicateGroup>} */
export const duplicatesGoal = {
  title: "Duplicates",
  noun: "group",
  lead:
    "Groups of images that show the same, the most alike first. The image with the most pixels is " +
    "suggested, and of equal ones the sharpest; in groups with validation images, one of these. " +
    "Deleted images can be restored.",
  empty: "No images are near-duplicates that nobody has looked at.",
  source: (filters) => ({
    async load(limit) {
      const query = new URLSearchParams(filters);
      query.set("limit", String(limit));
      const { groups, total } = await callApi(`/duplicates?${query}`);
      return { items: groups, total };
    },
    keyOf: ({ images }) =>
      images
        .map(({ id }) => id)
        .sort()
        .join("\n"),
    idsOf: ({ images }) => images.map(({ id }) => id),
    reload,
    mostPerLoad: MOST_GROUPS,
  }),
  show: (group, _signal, choose) => duplicateGroup(group, choose),
  announce: groupAnnouncement,
  nameOf: ({ images }) => images.map(({ id }) => id).join(", "),
  urls: ({ images }) => images.map(({ id }) => imageUrl(id)),
  actions: [
    {
      key: ACTION_KEYS.accept,
      isMain: true,
      name: () => "Keep suggested",
      isPossible: () => true,
      propose: (group) => keepOne(group, group.best),
    },
    {
      key: ACTION_KEYS.keep,
      name: ({ images }) => (images.length === 2 ? "Keep both" : "Keep all"),
      isPossible: () => true,
      propose: keepAll,
    },
    {
      key: ACTION_KEYS.drop,
      isSecondary: true,
      name: ({ images }) => (images.length === 2 ? "Delete both" : "Delete all"),
      isPossible: () => true,
      propose: ({ images }) => deletion(images),
    },
  ],
  choices: () => [],
  choose(group, key) {
    const image = group.images.find((_, index) => String(index + 1) === key);
    return image ? keepOne(group, image.id) : null;
  },
};

/** @param {DuplicateGroup} group @param {string} kept */
function keepOne({ images }, kept) {
  return deletion(images.filter(({ id }) => id !== kept));
}

/** @param {DuplicateGroup} group */
function keepAll({ images }) {
  const seen = Object.fromEntries(images.map(({ id, etag }) => [id, etag]));
  return {
    question: null,
    send: () => sendDecision({ path: "/distinct", json: { ids: Object.keys(seen) }, seen }),
  };
}

/**
 * Return the present state of a group whose images another person changed; null if fewer than two
 * are left.
 *
 * @param {DuplicateGroup} group
 */
async function reload(group) {
  const ids = new Set(group.images.map(({ id }) => id));
  const { groups } = await callApi(`/duplicates?limit=${MOST_GROUPS}`);
  /** @type {DuplicateGroup | undefined} */
  const found = groups.find((/** @type {DuplicateGroup} */ each) =>
    each.images.some(({ id }) => ids.has(id)),
  );
  const note =
    "Images of this group changed meanwhile. Your decision was not saved; " + "decide again.";
  return found ? { ...found, note } : null;
}
