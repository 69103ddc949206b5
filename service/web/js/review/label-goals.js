/** Review of labels: doubtful ones, and images without a label. */

import { callApi } from "../core/api.js";
import { ApiError } from "../core/api-error.js";
import { allClasses } from "../core/classes.js";
import { imageUrl } from "../core/urls.js";
import { loadDecisions } from "../images/decision-list.js";
import { ACTION_KEYS, classKeys, classOfKey } from "./class-keys.js";
import { deletion } from "./deletion.js";
import { sendDecision } from "./outbox.js";
import { announcement, reviewItem } from "./review-item.js";

/**
 * @typedef {import("./review-item.js").ReviewItem} ReviewItem
 * @typedef {import("./review-view.js").Goal<ReviewItem>} LabelGoal
 */

/** @type {import("./review-view.js").Action<ReviewItem>} */
const DELETE = {
  key: ACTION_KEYS.drop,
  isSecondary: true,
  name: () => "Delete the image",
  isPossible: () => true,
  propose: (item) => deletion([item]),
};

/** @type {LabelGoal} */
export const reviewGoal = {
  ...labelGoal("review"),
  title: "Review",
  lead:
    "Images whose label is doubtful, the most doubtful first. Each decision is recorded, and no " +
    "image is asked about twice. The next training learns from the corrections.",
  empty: "No label is in doubt that nobody has looked at.",
  actions: [
    {
      key: ACTION_KEYS.accept,
      isMain: true,
      name: ({ suggested }) => (suggested === null ? "Accept" : `Accept: ${suggested}`),
      isPossible: ({ suggested }) => suggested !== null,
      propose: (item) => relabelling(item, item.suggested),
    },
    {
      key: ACTION_KEYS.keep,
      name: ({ label }) => `Keep: ${label ?? "no label"}`,
      isPossible: () => true,
      propose: (item) => change(item, {}),
    },
    {
      key: ACTION_KEYS.none,
      isSecondary: true,
      name: () => "No class fits",
      isPossible: ({ label }) => label !== null,
      propose: (item) => relabelling(item, null),
    },
    DELETE,
  ],
};

/** @type {LabelGoal} */
export const labellingGoal = {
  ...labelGoal("label"),
  title: "Label",
  lead:
    "Images without a label, those first from which a model would learn most. A labelled image " +
    "joins the split; the next training learns from those of its training part.",
  empty: "All images have a label, or were left without one by a person.",
  actions: [
    {
      key: ACTION_KEYS.accept,
      isMain: true,
      name: ({ suggested }) => `Accept: ${suggested}`,
      isPossible: ({ suggested }) => suggested !== null,
      propose: (item) => relabelling(item, item.suggested),
    },
    {
      key: ACTION_KEYS.keep,
      name: () => "No class fits",
      isPossible: () => true,
      propose: (item) => change(item, {}),
    },
    DELETE,
  ],
};

/** @param {"review" | "label"} goal */
function labelGoal(goal) {
  return {
    noun: "image",
    /** @param {string} filters @returns {import("./session.js").Source<ReviewItem>} */
    source: (filters) => ({
      async load(limit) {
        const query = new URLSearchParams(filters);
        query.set("goal", goal);
        query.set("limit", String(limit));
        const { items, total } = await callApi(`/queue?${query}`);
        return { items, total };
      },
      keyOf: ({ id }) => id,
      idsOf: ({ id }) => [id],
      reload,
    }),
    show: reviewItem,
    announce: announcement,
    nameOf: (/** @type {ReviewItem} */ { id }) => id,
    urls: (/** @type {ReviewItem} */ { id, neighbors }) =>
      [id, ...neighbors.map((each) => each.id)].map(imageUrl),
    choices: () =>
      classKeys(allClasses()).map(({ label, digit, letter }) => ({
        label,
        keys: [digit, letter].filter((key) => key !== undefined),
      })),
    /** @param {ReviewItem} item @param {string} key */
    choose(item, key) {
      const label = classOfKey(classKeys(allClasses()), key);
      return label === undefined ? null : relabelling(item, label);
    },
  };
}

/** @param {ReviewItem} item @param {string | null} label */
function relabelling(item, label) {
  return change(item, { label });
}

/** @param {ReviewItem} item @param {{ label?: string | null }} changed */
function change({ id, etag }, changed) {
  return {
    question: null,
    send: () =>
      sendDecision({
        path: "/changes",
        json: { ids: [id], ...changed, reviewed: true },
        seen: { [id]: etag },
      }),
  };
}

/**
 * Return the present state of an item that another person changed; null if it was deleted.
 *
 * @param {ReviewItem} item
 */
async function reload(item) {
  try {
    const [{ images }, decisions] = await Promise.all([
      callApi(`/images?id=${encodeURIComponent(item.id)}`),
      loadDecisions(item.id),
    ]);
    const { label, split, etag } = images[0];
    const by = decisions.at(-1)?.by ?? "another person";
    const suggested = item.suggested === label ? null : item.suggested;
    const note =
      `${by} changed this image meanwhile: its label is ${label ?? "none"}. ` +
      "Your decision was not saved; decide again.";
    return { ...item, label, split, etag, suggested, reasons: [], note };
  } catch (error) {
    if (error instanceof ApiError && error.kind === "not found") return null;
    throw error;
  }
}
