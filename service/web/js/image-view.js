/** One stored photograph: large, with what the network sees in it and the nearest to it. */

import { imageOf } from "./addresses.js";
import { credit } from "./attribution.js";
import { classTag } from "./classes.js";
import { element } from "./element.js";
import { allErrors } from "./errors.js";
import { heatmapSwitch } from "./heatmap.js";
import { locator } from "./locator.js";
import { neighbourhood } from "./neighbourhood.js";
import { described } from "./photographs.js";
import { picture } from "./pictures.js";
import { recordsOf } from "./records.js";
import { recall } from "./service.js";
import { later } from "./states.js";
import { trust, verdict } from "./verdict.js";
import { splitName } from "./words.js";

/** @type {import("./router.js").View} */
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
 * @param {import("./records.js").ImageRecord} record
 * @param {boolean} hasHeatmap
 */
function large(record, hasHeatmap) {
  const { width, height } = record;
  const image = picture(imageOf(record.id), described(record), { width, height });
  return element(
    "figure",
    { class: "large" },
    image,
    element("figcaption", {}, credit(record.attribution), hasHeatmap && heatmapSwitch(image, record.id)),
  );
}

/** @param {string} id @returns {Promise<import("./neighbourhood.js").Neighbour[]>} */
async function nearest(id) {
  const { neighbors } = await recall(`/neighbors?id=${encodeURIComponent(id)}`);
  return neighbors;
}

/** @param {string} id @param {AbortSignal} signal */
async function itsPlace(id, signal) {
  const ids = (await nearest(id)).map((each) => each.id);
  return locator("this one", (points) => points.find((point) => point.id === id), ids, signal);
}
