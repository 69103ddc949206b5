/** A photograph of one's own and what the service makes of it. */

import { Problem } from "../core/api-error.js";
import { ask } from "../core/api.js";
import { element } from "../core/dom.js";
import { likelihood } from "../core/format.js";
import { later, loading, notice, problemNotice } from "../core/status.js";
import { locator } from "../map/minimap.js";
import { neighbourhood } from "./neighbours.js";
import { trust, verdict } from "./prediction-panel.js";
import { choosePhotograph, ownPhotograph } from "./upload.js";

/** @typedef {import("./upload.js").OwnPhotograph} OwnPhotograph */

/** @type {{ own: OwnPhotograph, answers: Map<string, Promise<any>> } | null} */
let kept = null;

addEventListener("release", () => {
  kept = null;
});

/** @type {import("../router.js").View} */
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
    if (own.file.size === 0)
      throw new Problem("not an image", "The file is empty; choose another.");
    // The first answer says whether it can be read at all; only then it is sent again.
    const prediction = await answerFor(own, "/predict");
    const trusted = await trust();
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
        later("neighbours", "The nearest photographs", () => nearest(own), signal),
        later("locator", "Its place on the map", () => itsPlace(own, signal), signal),
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

/** @param {OwnPhotograph} own */
async function nearest(own) {
  const { neighbors } = await answerFor(own, "/neighbors");
  return neighbourhood(neighbors);
}

/** @param {OwnPhotograph} own @param {AbortSignal} signal */
async function itsPlace(own, signal) {
  const [{ neighbors }, { point }] = await Promise.all([
    answerFor(own, "/neighbors"),
    answerFor(own, "/tsne"),
  ]);
  const ids = neighbors.map((/** @type {{ id: string }} */ each) => each.id);
  return locator("yours", () => point, ids, signal);
}

/**
 * What the service makes of it, asked for once: people go to its neighbours and come back.
 *
 * @param {OwnPhotograph} own
 * @param {string} path of the call
 */
function answerFor(own, path) {
  if (kept?.own !== own) kept = { own, answers: new Map() };
  const { answers } = kept;
  const known = answers.get(path);
  if (known) return known;
  const answer = ask(path, { image: own.file, signal: own.signal });
  answers.set(path, answer);
  answer.catch(() => answers.delete(path));
  return answer;
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
