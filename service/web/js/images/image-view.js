/** View of one stored image: file, prediction, neighbours and position on the map. */

import { callApiCached, watchData } from "../core/api.js";
import { attributionLine } from "../core/attribution.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { splitName } from "../core/format.js";
import { loadImages } from "../core/image-cache.js";
import { altText } from "../core/image-card.js";
import { retryingImage } from "../core/retrying-image.js";
import { deferredSection } from "../core/status.js";
import { imageUrl, imageViewUrl } from "../core/urls.js";
import { minimap } from "../map/minimap.js";
import { isNewToModel } from "../map/points.js";
import { exampleButtons } from "../search/example-buttons.js";
import { partSearch, pictureFrame } from "./part-search.js";
import { decisionList } from "./decision-list.js";
import { heatmapToggle } from "./heatmap-toggle.js";
import { loadMisclassifications } from "./misclassifications.js";
import { loadCalibration, predictionPanel } from "./prediction-panel.js";

/** @type {import("../router.js").View} */
export async function imageView(host, { name: id, query: address, signal, reload }) {
  const query = `?id=${encodeURIComponent(id)}`;
  const [[image], prediction, calibration] = await Promise.all([
    loadImages([id], signal),
    callApiCached(`/predict${query}`),
    loadCalibration(),
  ]);
  const isError = image.split === "validation" && prediction.label !== image.label;
  const error = isError
    ? (await loadMisclassifications()).find((each) => each.id === id)
    : undefined;
  if (signal.aborted) return;
  watchData(() => Promise.all([loadImages([id]), loadNeighbours(id)]), reload, signal);
  const { selection, neighbours } = partSearch({
    box: address.get("box"),
    urlOf: (box) => imageViewUrl(id, box),
    load: (part) => loadNeighbours(id, part),
    signal,
  });
  host.replaceChildren(
    element(
      "article",
      { class: "image-view" },
      figure(image, Boolean(error?.heatmap), selection),
      element(
        "div",
        { class: "details" },
        element("h1", {}, image.attribution?.title ?? id),
        element(
          "p",
          {},
          classTag(image.label),
          `, ${splitName(image.split)}, ${image.width} × ${image.height} pixels`,
        ),
        splitNote(image),
        predictionPanel(prediction, calibration, image),
        exampleButtons(id),
        decisionList(id, signal),
      ),
      neighbours,
      deferredSection("minimap", "Position on the map", () => position(id, signal), signal),
    ),
  );
}

/**
 * Create a note for images that the model neither learned from nor is judged by.
 *
 * @param {import("../core/image-cache.js").ImageMetadata} image
 */
function splitNote(image) {
  if (isNewToModel(image)) {
    return element(
      "p",
      {},
      element("strong", { class: "mark" }, "new"),
      " This image came after the training: the model has not learned from it yet.",
    );
  }
  if (image.split !== "pool") return null;
  return element(
    "p",
    { class: "secondary" },
    "The pool is used neither for training nor for validation. ",
    image.learned && "The model learned from this image before it was moved to the pool.",
  );
}

/**
 * @param {import("../core/image-cache.js").ImageMetadata} image
 * @param {boolean} hasHeatmap
 * @param {ReturnType<typeof partSearch>["selection"]} selection
 */
function figure(image, hasHeatmap, selection) {
  const { width, height } = image;
  const file = retryingImage(imageUrl(image.id), altText(image), { width, height });
  return element(
    "figure",
    { class: "large" },
    pictureFrame(file, selection, width / height),
    element(
      "figcaption",
      {},
      attributionLine(image.attribution),
      element(
        "div",
        { class: "figure-buttons" },
        hasHeatmap && heatmapToggle(file, image.id),
        selection.button,
      ),
      selection.help,
    ),
  );
}

/**
 * @param {string} id
 * @param {string} [part] query parameters of a part
 * @returns {Promise<import("./neighbours.js").Neighbour[]>}
 */
async function loadNeighbours(id, part = "") {
  const query = `id=${encodeURIComponent(id)}${part && `&${part}`}`;
  const { neighbors } = await callApiCached(`/neighbors?${query}`);
  return neighbors;
}

/** @param {string} id @param {AbortSignal} signal */
async function position(id, signal) {
  const ids = (await loadNeighbours(id)).map((each) => each.id);
  return minimap("this image", (points) => points.find((point) => point.id === id), ids, signal);
}
