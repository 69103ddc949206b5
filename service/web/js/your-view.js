/** A photograph of one's own and what the service makes of it. */

import { element } from "./element.js";
import { locator } from "./locator.js";
import { neighbourhood } from "./neighbourhood.js";
import { ask } from "./service.js";
import { loading, notice, problemNotice } from "./states.js";
import { choosePhotograph, ownPhotograph } from "./upload.js";
import { trust, verdict } from "./verdict.js";
import { likelihood } from "./words.js";

/** @typedef {import("./upload.js").OwnPhotograph} OwnPhotograph */

/** @type {{ own: OwnPhotograph, answers: ReturnType<typeof asked> } | null} */
let kept = null;

addEventListener("release", () => {
  kept = null;
});

/** @type {import("./router.js").View} */
export async function yourView(place, { signal, again }) {
  const own = ownPhotograph();
  if (!own) {
    place.replaceChildren(
      notice(
        "Try a photograph of your own",
        "Drop one anywhere on this page, paste one, or choose one: JPEG, PNG or WebP. " +
          "The service keeps nothing of it.",
        chooser("Choose a photograph"),
      ),
    );
    return;
  }
  place.replaceChildren(loading("Looking at it …"));
  try {
    const { prediction, trusted, neighbors, point } = await answersFor(own);
    const ids = neighbors.map((/** @type {{ id: string }} */ each) => each.id);
    const where = await locator("yours", () => point, ids, signal);
    if (signal.aborted) return;
    place.replaceChildren(
      element(
        "article",
        { class: "photograph" },
        picture(own),
        element(
          "div",
          { class: "about" },
          element("h1", {}, "Your photograph"),
          verdict(prediction, trusted),
          element("p", { class: "buttons" }, chooser("Choose another")),
        ),
        neighbourhood(neighbors),
        where,
      ),
    );
    const { label, probabilities } = prediction;
    return `${label}, ${likelihood(probabilities[label])}`;
  } catch (error) {
    if (signal.aborted) return;
    // An image may be what breaks the service, so only people send it once more.
    const failed = problemNotice(error, again, signal, { goesOn: false });
    failed.querySelector(".buttons")?.append(chooser("Choose another"));
    place.replaceChildren(failed);
  }
}

/** What the service makes of it, asked for once: people go to its neighbours and come back. @param {OwnPhotograph} own */
function answersFor(own) {
  if (kept?.own === own) return kept.answers;
  const answers = asked(own);
  const mine = { own, answers };
  kept = mine;
  answers.catch(() => {
    if (kept === mine) kept = null;
  });
  return answers;
}

/** @param {OwnPhotograph} own */
async function asked({ file, signal }) {
  const options = { image: file, signal };
  // The first answer says whether it can be read at all; only then it is sent again.
  const prediction = await ask("/predict", options);
  const [trusted, { neighbors }, { point }] = await Promise.all([
    trust(),
    ask("/neighbors", options),
    ask("/tsne", options),
  ]);
  return { prediction, trusted, neighbors, point };
}

/** @param {OwnPhotograph} own */
function picture({ file, url }) {
  return element(
    "figure",
    { class: "large" },
    element("img", { src: url, alt: "Your photograph" }),
    element("figcaption", {}, element("p", { class: "credit" }, file.name)),
  );
}

/** @param {string} text */
function chooser(text) {
  return element("button", { type: "button", click: choosePhotograph }, text);
}
