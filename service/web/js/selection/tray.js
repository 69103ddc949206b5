/** Tray at the bottom of the page: the selected images, and actions on them. */

import { ApiError } from "../core/api-error.js";
import { attributionText } from "../core/attribution.js";
import { clearSelection } from "../core/clearing.js";
import { element } from "../core/dom.js";
import { plural } from "../core/format.js";
import { loadImages } from "../core/image-cache.js";
import { altText } from "../core/image-card.js";
import { retryingImage } from "../core/retrying-image.js";
import { selectedIds, selectionSize } from "../core/selection.js";
import { announce, preserveFocus } from "../core/status.js";
import { imageViewUrl, thumbnailUrl } from "../core/urls.js";
import { showSelection } from "../map/map-view.js";

/** @typedef {import("../core/image-cache.js").ImageMetadata} ImageMetadata */

const MAX_THUMBNAILS = 8;
const DEBOUNCE_MILLISECONDS = 150;

/** Fill the tray, and follow the selection. */
export function startTray() {
  const tray = /** @type {HTMLElement} */ (document.getElementById("tray"));
  const count = element("strong", {});
  const thumbnails = element("ul", { class: "selected", "aria-label": "First selected images" });
  tray.append(
    element("p", { class: "tray-count" }, count),
    thumbnails,
    element(
      "div",
      { class: "tray-actions" },
      action("Show on the map", showSelection),
      action("Clear", clearSelection),
    ),
  );
  let timer = 0;
  let loading = new AbortController();
  update();
  addEventListener("selection", update);
  addEventListener("revision", update);

  function update() {
    const size = selectionSize();
    clearTimeout(timer);
    loading.abort();
    const wasHidden = tray.hidden;
    if (size === 0)
      preserveFocus(tray, /** @type {HTMLElement} */ (document.getElementById("main")));
    tray.hidden = size === 0;
    count.textContent = `${plural(size, "image")} selected`;
    if (wasHidden && size === 0) return;
    timer = setTimeout(settle, DEBOUNCE_MILLISECONDS);
  }

  /** Announce the selection and show thumbnails, after the last of several changes. */
  async function settle() {
    announce(count.textContent ?? "");
    loading = new AbortController();
    const { signal } = loading;
    const images = await loadFirst(selectedIds().slice(0, MAX_THUMBNAILS), signal);
    if (!signal.aborted) thumbnails.replaceChildren(...images.map(thumbnail));
  }
}

/**
 * Load the metadata of the first images, except for those that were left out.
 *
 * @param {string[]} ids
 * @param {AbortSignal} signal
 */
async function loadFirst(ids, signal) {
  if (ids.length === 0) return [];
  /** @param {unknown} error */
  const withoutFailed = (error) => {
    if (error instanceof ApiError || signal.aborted) return [];
    throw error;
  };
  try {
    return await loadImages(ids, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind !== "not found") return withoutFailed(error);
    return (
      await Promise.all(ids.map((id) => loadImages([id], signal).catch(withoutFailed)))
    ).flat();
  }
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

/** @param {string} name @param {() => void} click */
function action(name, click) {
  return element("button", { type: "button", click }, name);
}
