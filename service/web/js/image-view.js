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
import { recordsOf } from "./records.js";
import { recall } from "./service.js";
import { trust, verdict } from "./verdict.js";
import { splitName } from "./words.js";

/** @type {import("./router.js").View} */
export async function imageView(place, { name: id, signal }) {
  const query = `?id=${encodeURIComponent(id)}`;
  const [[record], prediction, { neighbors }, trusted] = await Promise.all([
    recordsOf([id], signal),
    recall(`/predict${query}`),
    recall(`/neighbors${query}`),
    trust(),
  ]);
  const isError = record.split === "validation" && prediction.label !== record.label;
  const error = isError ? (await allErrors()).find((each) => each.id === id) : undefined;
  if (signal.aborted) return;
  const { title } = record.attribution ?? {};
  const picture = element("img", { src: imageOf(id), alt: described(record) });
  const article = element(
    "article",
    { class: "photograph" },
    element(
      "figure",
      { class: "large" },
      picture,
      element(
        "figcaption",
        {},
        credit(record.attribution),
        error?.heatmap && heatmapSwitch(picture, error.heatmap),
      ),
    ),
    element(
      "div",
      { class: "about" },
      element("h1", {}, title ?? id),
      element(
        "p",
        {},
        classTag(record.label),
        `, ${splitName(record.split)}, ${record.width} × ${record.height} pixels`,
      ),
      verdict(prediction, trusted, record.label),
    ),
    neighbourhood(neighbors),
  );
  place.replaceChildren(article);
  const where = await locator(
    "this one",
    (points) => points.find((point) => point.id === id),
    neighbors.map((/** @type {{ id: string }} */ each) => each.id),
    signal,
  );
  if (where) article.append(where);
}
