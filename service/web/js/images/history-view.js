/** View of the history of the collection: dataset versions and their differences. */

import { callApi, callApiCached } from "../core/api.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { dateTime, number, plural } from "../core/format.js";
import { setLeftOut } from "../core/left-out.js";
import { selectionBox } from "../core/selection-box.js";
import { errorNotice, loading } from "../core/status.js";
import { imageViewUrl } from "../core/urls.js";

const PAGE = 50;
const MAX_CLASSES = 12;
const MAX_IDS = 30;

/**
 * @typedef {object} Version
 * @property {number} revision
 * @property {string} created
 * @property {string[]} tags
 * @property {number} images
 * @property {Record<string, number>} classes
 *
 * @typedef {object} VersionList
 * @property {Version[]} versions newest first
 * @property {number} total
 * @property {number} revision that the release contains
 * @property {{ version: string, revision: number, images: number }} training
 *
 * @typedef {object} Relabelled
 * @property {string} id
 * @property {string | null} before
 * @property {string | null} after
 *
 * @typedef {object} Difference
 * @property {Record<"added" | "removed" | "replaced" | "relabelled" | "moved_to_pool" | "kept",
 *   number>} total
 * @property {string[]} added
 * @property {string[]} removed
 * @property {string[]} replaced
 * @property {Relabelled[]} relabelled
 * @property {string[]} moved_to_pool
 * @property {string[]} kept
 */

/** @type {import("../router.js").View} */
export async function historyView(host, { signal }) {
  const [page, comparison] = await Promise.all([
    loadPage(0, signal),
    callApiCached("/experiments"),
  ]);
  if (signal.aborted) return;
  const list = element("ol", { class: "versions" });
  const more = element("button", { type: "button", click: showMore }, "Show older versions");
  let count = 0;
  append(page);
  host.replaceChildren(
    element("h1", {}, "History"),
    lead(page, comparison.not_learned),
    list,
    element("p", { class: "buttons" }, more),
  );
  return plural(page.total, "dataset version");

  /** @param {VersionList} shown */
  function append(shown) {
    shown.versions.forEach((version, index) => {
      const before = shown.versions[index + 1];
      list.append(versionItem(version, before, shown, signal));
    });
    count += Math.min(shown.versions.length, PAGE);
    more.hidden = count >= page.total;
    // The last one of a page was loaded only for its difference to the one before.
    if (!more.hidden) list.lastElementChild?.remove();
  }

  async function showMore() {
    more.disabled = true;
    try {
      append(await loadPage(count, signal));
    } catch (error) {
      if (!signal.aborted) more.replaceWith(errorNotice(error, showMore, signal));
    } finally {
      more.disabled = false;
    }
  }
}

/**
 * Load a page of dataset versions, with one more for the difference of the last one.
 *
 * @param {number} offset
 * @param {AbortSignal} signal
 * @returns {Promise<VersionList>}
 */
function loadPage(offset, signal) {
  return callApi(`/versions?limit=${PAGE + 1}&offset=${offset}`, { signal });
}

/** @param {VersionList} page @param {number} notLearned */
function lead({ revision, training }, notLearned) {
  return element(
    "p",
    { class: "lead" },
    `This release shows revision ${number(revision)} of the collection. Its model learned from `,
    `${plural(training.images, "image")} of revision ${number(training.revision)}. `,
    notLearned > 0 &&
      `${plural(notLearned, "training image")} came later; the next training uses them.`,
  );
}

/**
 * @param {Version} version
 * @param {Version | undefined} before the next older version
 * @param {VersionList} page
 * @param {AbortSignal} signal
 */
function versionItem(version, before, { revision, training }, signal) {
  const marks = [
    version.revision === revision && "this release",
    version.revision === training.revision && "its model learned from this",
  ].filter((each) => each !== false);
  return element(
    "li",
    {},
    element(
      "h2",
      {},
      `Revision ${number(version.revision)} `,
      element("time", { class: "secondary", datetime: version.created }, dateTime(version.created)),
      ...marks.map((each) => element("strong", { class: "mark" }, each)),
    ),
    version.tags.length > 0 &&
      element("p", { class: "secondary tags" }, `Tags: ${version.tags.join(", ")}`),
    element("p", { class: "sizes" }, plural(version.images, "image"), ...classSizes(version)),
    before && changes(before, version, signal),
  );
}

/** @param {Version} version */
function classSizes({ images, classes }) {
  const sorted = Object.entries(classes).sort(([, a], [, b]) => b - a);
  const others = sorted.slice(MAX_CLASSES);
  const unlabelled = sorted.reduce((rest, [, count]) => rest - count, images);
  return [
    ...sorted
      .slice(0, MAX_CLASSES)
      .map(([label, count]) => element("span", {}, classTag(label), ` ${number(count)}`)),
    others.length > 0 && element("span", {}, `and ${plural(others.length, "smaller class")}`),
    unlabelled > 0 && element("span", {}, classTag(null), ` ${number(unlabelled)}`),
  ];
}

/**
 * Create the changes of a version, which are loaded when they are opened.
 *
 * @param {Version} before
 * @param {Version} after
 * @param {AbortSignal} signal
 */
function changes(before, after, signal) {
  const content = element("div", { class: "changes" });
  const step = after.images - before.images;
  const sign = step > 0 ? "+" : "−";
  const size = step === 0 ? "same size" : `${sign}${plural(Math.abs(step), "image")}`;
  return element(
    "details",
    {
      toggle: (/** @type {{ target: HTMLDetailsElement }} */ { target }) => {
        if (target.open && !content.hasChildNodes()) fill();
      },
    },
    element("summary", {}, `Changes since revision ${number(before.revision)} (${size})`),
    content,
  );

  async function fill() {
    content.replaceChildren(loading());
    const query = new URLSearchParams({
      a: String(before.revision),
      b: String(after.revision),
      limit: String(MAX_IDS),
    });
    try {
      const found = await callApiCached(`/versions/diff?${query}`);
      if (!signal.aborted) content.replaceChildren(...differenceLists(found));
    } catch (error) {
      if (!signal.aborted) content.replaceChildren(errorNotice(error, fill, signal));
    }
  }
}

/** @param {Difference} found */
function differenceLists(found) {
  const { total, added, removed, replaced, relabelled, moved_to_pool: moved, kept } = found;
  const lists = [
    idList("Added", total.added, added.map(imageLink)),
    idList("Deleted", total.removed, removed.map(deletedImage)),
    idList("New file", total.replaced, replaced.map(imageLink)),
    idList("New label", total.relabelled, relabelled.map(relabelledImage)),
    idList("Moved to the pool", total.moved_to_pool, moved.map(imageLink)),
    idList("Label kept", total.kept, kept.map(imageLink)),
  ].filter((each) => each !== null);
  return lists.length > 0
    ? lists
    : [element("p", { class: "secondary" }, "No image changed its file, label or split.")];
}

/**
 * @param {string} title
 * @param {number} total
 * @param {import("../core/dom.js").Child[]} items of the first ids
 */
function idList(title, total, items) {
  if (total === 0) return null;
  const rest = total - items.length;
  return element(
    "section",
    {},
    element("h3", {}, `${title}: ${number(total)}`),
    element(
      "ul",
      {},
      ...items.map((each) => element("li", {}, each)),
      rest > 0 && element("li", { class: "secondary" }, `and ${number(rest)} more`),
    ),
  );
}

/** @param {string} id */
function imageLink(id) {
  return element("a", { href: imageViewUrl(id) }, id);
}

/** Create the id of a deleted image, which can be selected to restore it. @param {string} id */
function deletedImage(id) {
  const box = selectionBox(id, id);
  box.addEventListener("click", () => setLeftOut([id], true));
  return element("label", { class: "check" }, box, id);
}

/** @param {Relabelled} image */
function relabelledImage({ id, before, after }) {
  return element("span", {}, imageLink(id), ": ", classTag(before), " → ", classTag(after));
}
