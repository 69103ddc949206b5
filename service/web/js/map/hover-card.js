/** Card next to the hovered point: thumbnail, classes and attribution. */

import { ApiError } from "../core/api-error.js";
import { attributionLine } from "../core/attribution.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { splitName } from "../core/format.js";
import { loadImages } from "../core/image-cache.js";
import { altText } from "../core/image-card.js";
import { retryingImage } from "../core/retrying-image.js";
import { preserveFocus } from "../core/status.js";
import { imageViewUrl, thumbnailUrl } from "../core/urls.js";
import { isMisclassified, isNewToModel } from "./points.js";

const DELAY_MILLISECONDS = 60;
const GAP = 14;

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("../core/image-cache.js").ImageMetadata} ImageMetadata
 * @typedef {import("./projection.js").Pixels} Pixels
 */

/**
 * Add a card to an element; it shows one point at a time.
 *
 * @param {HTMLElement} host
 * @param {(text: string) => void} onShow receives the text of the card
 * @param {AbortSignal} signal
 */
export function hoverCard(host, onShow, signal) {
  const card = element("div", { class: "hover-card", hidden: true });
  host.append(card);
  /** @type {MapPoint | null} */
  let shown = null;
  /** @type {Pixels} */
  let position = [0, 0];
  let timer = 0;
  signal.addEventListener("abort", () => clearTimeout(timer));

  /** @param {MapPoint} point */
  async function fill(point) {
    const image = await loadImage(point, signal);
    if (point !== shown || signal.aborted) return;
    const lines = textLines(point, image);
    card.replaceChildren(...(image ? [thumbnailLink(image)] : []), ...lines);
    card.hidden = false;
    place();
    onShow(lines.map(({ textContent }) => textContent).join(". "));
  }

  /** Move the card next to the point, inside the element. */
  function place() {
    const [x, y] = position;
    const { offsetWidth: width, offsetHeight: height } = card;
    const left = x + GAP + width < host.clientWidth ? x + GAP : x - GAP - width;
    const top = Math.min(Math.max(y - height / 2, GAP), host.clientHeight - height - GAP);
    card.style.setProperty("left", `${Math.max(left, GAP)}px`);
    card.style.setProperty("top", `${top}px`);
  }

  return {
    /** Show a point, or hide the card. @param {MapPoint | null} point @param {Pixels} pixels */
    show(point, pixels) {
      position = pixels;
      if (point === shown) return place();
      shown = point;
      clearTimeout(timer);
      preserveFocus(card, host);
      card.hidden = true;
      if (point) timer = setTimeout(() => fill(point), DELAY_MILLISECONDS);
    },
  };
}

/**
 * Load the metadata of an image; return null if the call fails.
 *
 * @param {MapPoint} point
 * @param {AbortSignal} signal
 */
async function loadImage({ id }, signal) {
  try {
    const [image] = await loadImages([id], signal);
    return image;
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) return null;
    throw error;
  }
}

/** @param {ImageMetadata} image */
function thumbnailLink(image) {
  const thumbnail = retryingImage(thumbnailUrl(image.id), altText(image));
  return element("a", { href: imageViewUrl(image.id), tabindex: -1 }, thumbnail);
}

/**
 * Create the lines of text: classes and attribution. Without attribution, no image is shown.
 *
 * @param {MapPoint} point
 * @param {ImageMetadata | null} image
 */
function textLines(point, image) {
  const isError = isMisclassified(point);
  return [
    element(
      "p",
      {},
      classTag(point.label),
      element("span", { class: "secondary" }, `, ${splitName(point.split)}`),
    ),
    element(
      "p",
      { class: isError ? "incorrect" : point.label !== null && "correct" },
      isError ? "misclassified as " : "classified as ",
      classTag(point.predicted),
    ),
    ...(isNewToModel(point) ? [newToModelLine()] : []),
    image ? attributionLine(image.attribution) : errorLine(),
  ];
}

function newToModelLine() {
  return element("p", { class: "secondary" }, "The model has not learned from this image yet");
}

function errorLine() {
  return element(
    "p",
    { class: "secondary" },
    "The attribution of this image could not be loaded. Point at it again to retry.",
  );
}
