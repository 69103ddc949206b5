/** A photograph of one's own and what the service makes of it. */

import { element } from "./element.js";
import { locator } from "./locator.js";
import { neighbourhood } from "./neighbourhood.js";
import { ask } from "./service.js";
import { loading, notice, problemNotice } from "./states.js";
import { choosePhotograph, ownPhotograph } from "./upload.js";
import { verdict } from "./verdict.js";

/** @type {import("./router.js").View} */
export async function yourView(place, { signal, again }) {
  const own = ownPhotograph();
  const choose = () =>
    element(
      "button",
      { type: "button", click: choosePhotograph },
      own ? "Choose another" : "Choose a photograph",
    );
  if (!own) {
    place.replaceChildren(
      notice(
        "Try a photograph of your own",
        "Drop one anywhere on this page, paste one, or choose one: JPEG, PNG or WebP. " +
          "The service keeps nothing of it.",
        choose(),
      ),
    );
    return;
  }
  const { file, url } = own;
  place.replaceChildren(loading("Looking at it …"));
  try {
    const options = { image: file, signal };
    // The first answer says whether it can be read at all; only then it is sent again.
    const prediction = await ask("/predict", options);
    const [{ neighbors }, { point }] = await Promise.all([
      ask("/neighbors", options),
      ask("/tsne", options),
    ]);
    const ids = neighbors.map((/** @type {{ id: string }} */ each) => each.id);
    const where = await locator("yours", () => point, ids, signal);
    if (signal.aborted) return;
    place.replaceChildren(
      element(
        "article",
        { class: "photograph" },
        element(
          "figure",
          { class: "large" },
          element("img", { src: url, alt: "Your photograph" }),
          element("figcaption", {}, element("p", { class: "credit" }, file.name)),
        ),
        element(
          "div",
          { class: "about" },
          element("h1", {}, "Your photograph"),
          verdict(prediction),
          element("p", { class: "buttons" }, choose()),
        ),
        neighbourhood(neighbors),
        where,
      ),
    );
  } catch (error) {
    if (signal.aborted) return;
    const failed = problemNotice(error, again, signal);
    failed.querySelector(".buttons")?.append(choose());
    place.replaceChildren(failed);
  }
}
