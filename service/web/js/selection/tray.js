/** Tray at the bottom of the page: the selected images, and actions on them. */

import { ApiError } from "../core/api-error.js";
import { attributionText } from "../core/attribution.js";
import { clearSelection } from "../core/clearing.js";
import { element } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { loadImages } from "../core/image-cache.js";
import { altText } from "../core/image-card.js";
import { setLeftOut } from "../core/left-out.js";
import { isWritable, readOnlyNote } from "../core/permission.js";
import { retryingImage } from "../core/retrying-image.js";
import { selectedIds, selectionSize } from "../core/selection.js";
import { announce, preserveFocus, toast } from "../core/status.js";
import { imageViewUrl, thumbnailUrl } from "../core/urls.js";
import { showSelection } from "../map/map-view.js";
import { exportSelected } from "./export.js";
import { save } from "./saving.js";
import { leaveOut, leftOutIds, presentIds, relabel, restore, tag } from "./actions.js";

/** @typedef {import("../core/image-cache.js").ImageMetadata} ImageMetadata */

const MAX_THUMBNAILS = 8;
const DEBOUNCE_MILLISECONDS = 150;

/**
 * Fill the tray, and follow the selection.
 *
 * @param {boolean} isNew whether the selection has changed since the page was loaded
 */
export function startTray(isNew) {
  const tray = byId("tray");
  const count = element("strong", {});
  const thumbnails = element("ul", { class: "selected", "aria-label": "First selected images" });
  const note = element("div", { class: "tray-note", id: "tray-note" });
  const changing = [
    action("Relabel …", relabel, presentIds),
    action("Tag …", tag, presentIds),
    action("Leave out …", leaveOut, presentIds),
    action("Save …", save, presentIds),
    action("Restore", () => restore().catch(showFailure), leftOutIds),
  ];
  tray.append(
    element("p", { class: "tray-count" }, count),
    thumbnails,
    element(
      "div",
      { class: "tray-actions" },
      ...changing.map(({ button }) => button),
      action("Export …", exportSelected).button,
      action("Show on the map", showSelection).button,
      action("Clear", clearSelection).button,
    ),
    note,
  );
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--tray", `${tray.offsetHeight}px`);
  }).observe(tray);
  let timer = 0;
  let loading = new AbortController();
  let isNews = isNew;
  update();
  for (const event of ["revision", "permission"]) addEventListener(event, update);
  addEventListener("selection", () => {
    isNews = true;
    // After the frame in which the map marks the selected points.
    requestAnimationFrame(() => setTimeout(update));
  });

  function update() {
    const size = selectionSize();
    const leftOut = leftOutIds().length;
    clearTimeout(timer);
    loading.abort();
    const wasHidden = tray.hidden;
    if (size === 0) preserveFocus(tray, byId("main"));
    tray.hidden = size === 0;
    count.textContent = `${plural(size, "image")} selected`;
    if (leftOut > 0)
      count.textContent += `, ${leftOut === size ? "" : `${number(leftOut)} `}left out`;
    for (const each of changing) each.update();
    note.replaceChildren(...[readOnlyNote()].filter((each) => each !== null));
    if (wasHidden && size === 0) return;
    timer = setTimeout(settle, DEBOUNCE_MILLISECONDS);
  }

  /** Announce the selection and show thumbnails, after the last of several changes. */
  async function settle() {
    if (isNews) announce(count.textContent ?? "");
    isNews = false;
    loading = new AbortController();
    const { signal } = loading;
    const images = await loadFirst(presentIds().slice(0, MAX_THUMBNAILS), signal);
    if (!signal.aborted) thumbnails.replaceChildren(...images.map(thumbnail));
  }
}

/** @param {unknown} error */
function showFailure(error) {
  if (!(error instanceof ApiError)) throw error;
  toast(error.message);
}

/**
 * Load the metadata of the first images, except for those that were left out meanwhile.
 *
 * @param {string[]} ids
 * @param {AbortSignal} signal
 */
async function loadFirst(ids, signal) {
  if (ids.length === 0) return [];
  try {
    return await loadImages(ids, signal);
  } catch (error) {
    if (!isExpected(error, signal)) throw error;
    if (!isMissing(error)) return [];
    return (await Promise.all(ids.map((id) => loadSingle(id, signal)))).flat();
  }
}

/** @param {string} id @param {AbortSignal} signal */
async function loadSingle(id, signal) {
  try {
    return await loadImages([id], signal);
  } catch (error) {
    if (!isExpected(error, signal)) throw error;
    if (isMissing(error)) setLeftOut([id], true);
    return [];
  }
}

/** @param {unknown} error @param {AbortSignal} signal */
function isExpected(error, signal) {
  return error instanceof ApiError || signal.aborted;
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof ApiError && error.kind === "not found";
}

/** @param {ImageMetadata} image */
function thumbnail(image) {
  const text = `${altText(image)}. ${attributionText(image.attribution)}`;
  return element(
    "li",
    {},
    element(
      "a",
      { href: imageViewUrl(image.id), title: text },
      retryingImage(thumbnailUrl(image.id), text),
    ),
  );
}

/**
 * Create the button of an action. One that changes images is disabled while the service accepts no
 * changes, and hidden while there are no images for it.
 *
 * @param {string} name
 * @param {() => void} click
 * @param {() => string[]} [changed] ids
 */
function action(name, click, changed) {
  const button = element("button", { type: "button", click }, name);
  return {
    button,
    update() {
      if (!changed) return;
      const isNeeded = changed().length > 0;
      if (!isNeeded) preserveFocus(button, byId("main"));
      button.hidden = !isNeeded;
      button.disabled = !isWritable();
      if (button.disabled) button.setAttribute("aria-describedby", "tray-note");
      else button.removeAttribute("aria-describedby");
    },
  };
}

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
