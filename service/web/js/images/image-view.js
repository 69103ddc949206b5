/** One stored photograph: large, with what the network sees in it and the nearest to it. */

import { recall } from "../core/api.js";
import { credit } from "../core/attribution.js";
import { classTag } from "../core/classes.js";
import { element } from "../core/dom.js";
import { splitName } from "../core/format.js";
import { recordsOf } from "../core/image-cache.js";
import { described } from "../core/image-card.js";
import { picture } from "../core/retrying-image.js";
import { later } from "../core/status.js";
import { imageOf } from "../core/urls.js";
import { locator } from "../map/minimap.js";
import { heatmapSwitch } from "./heatmap-toggle.js";
import { allErrors } from "./misclassifications.js";
import { neighbourhood } from "./neighbours.js";
import { trust, verdict } from "./prediction-panel.js";

/** @type {import("../router.js").View} */
export async function imageView(place, { name: id, signal }) {
  const query = `?id=${encodeURIComponent(id)}`;
  const [[record], prediction, trusted] = await Promise.all([
    recordsOf([id], signal),
    recall(`/predict${query}`),
    trust(),
  ]);
  const isError = record.split === "validation" && prediction.label !== record.label;
  const error = isError ? (await allErrors()).find((each) => each.id === id) : undefined;
  if (signal.aborted) return;
  place.replaceChildren(
    element(
      "article",
      { class: "photograph" },
      large(record, Boolean(error?.heatmap)),
      element(
        "div",
        { class: "about" },
        element("h1", {}, record.attribution?.title ?? id),
        element(
          "p",
          {},
          classTag(record.label),
          `, ${splitName(record.split)}, ${record.width} × ${record.height} pixels`,
        ),
        verdict(prediction, trusted, record),
      ),
      later(
        "neighbours",
        "The nearest photographs",
        async () => neighbourhood(await nearest(id)),
        signal,
      ),
      later("locator", "Its place on the map", () => itsPlace(id, signal), signal),
    ),
  );
}

/**
 * @param {import("../core/image-cache.js").ImageRecord} record
 * @param {boolean} hasHeatmap
 */
function large(record, hasHeatmap) {
  const { width, height } = record;
  const image = picture(imageOf(record.id), described(record), { width, height });
  return element(
    "figure",
    { class: "large" },
    image,
    element(
      "figcaption",
      {},
      credit(record.attribution),
      hasHeatmap && heatmapSwitch(image, record.id),
    ),
  );
}

/** @param {string} id @returns {Promise<import("./neighbours.js").Neighbour[]>} */
async function nearest(id) {
  const { neighbors } = await recall(`/neighbors?id=${encodeURIComponent(id)}`);
  return neighbors;
}

/** @param {string} id @param {AbortSignal} signal */
async function itsPlace(id, signal) {
  const ids = (await nearest(id)).map((each) => each.id);
  return locator("this one", (points) => points.find((point) => point.id === id), ids, signal);
}
