/** View of an uploaded image: prediction, neighbours and position on the map. */

import { ApiError } from "../core/api-error.js";
import { callApi } from "../core/api.js";
import { element } from "../core/dom.js";
import { probability } from "../core/format.js";
import { deferredSection, errorNotice, loading, notice } from "../core/status.js";
import { minimap } from "../map/minimap.js";
import { partSearch, pictureFrame } from "./part-search.js";
import { loadCalibration, predictionPanel } from "./prediction-panel.js";
import { currentUpload, openFileDialog } from "./upload.js";

/** @typedef {import("./upload.js").Upload} Upload */

/**
 * Responses for the current upload, by path.
 *
 * @type {{ upload: Upload, responses: Map<string, Promise<any>> } | null}
 */
let cache = null;

addEventListener("release", () => {
  cache = null;
});

/** @type {import("../router.js").View} */
export async function uploadView(host, { query, signal, reload }) {
  const upload = currentUpload();
  if (!upload) {
    host.replaceChildren(
      notice(
        "Upload an image",
        "Drop an image anywhere on this page, paste one, or choose a file (JPEG, PNG or WebP). " +
          "The service does not store it.",
        fileButton("Choose a file"),
      ),
    );
    return;
  }
  host.replaceChildren(loading("Classifying the image …"));
  try {
    if (upload.file.size === 0) {
      throw new ApiError("not an image", "The file is empty. Choose another file.");
    }
    // The file is sent again for neighbours and map only if it could be decoded once.
    const prediction = await callWithUpload(upload, "/predict");
    const [calibration, size] = await Promise.all([loadCalibration(), sizeOf(upload)]);
    if (signal.aborted) return;
    const { selection, neighbours } = partSearch({
      box: size && query.get("box"),
      urlOf: (box) => `#/yours${box ? `?box=${box}` : ""}`,
      load: (part) => loadNeighbours(upload, part),
      signal,
    });
    host.replaceChildren(
      element(
        "article",
        { class: "image-view" },
        figure(upload, size, selection),
        element(
          "div",
          { class: "details" },
          element("h1", {}, "Your image"),
          predictionPanel(prediction, calibration),
          element("p", { class: "buttons" }, fileButton("Choose another file")),
        ),
        neighbours,
        deferredSection("minimap", "Position on the map", () => position(upload, signal), signal),
      ),
    );
    const { label, probabilities } = prediction;
    return `${label}, ${probability(probabilities[label])}`;
  } catch (error) {
    if (signal.aborted) return;
    // The image itself may cause the outage, so only the user sends it again.
    const created = errorNotice(error, reload, signal, { retriesAutomatically: false });
    created.querySelector(".buttons")?.append(fileButton("Choose another file"));
    host.replaceChildren(created);
  }
}

/**
 * @param {Upload} upload
 * @param {string} [part] query parameters of a part
 * @returns {Promise<import("./neighbours.js").Neighbour[]>}
 */
async function loadNeighbours(upload, part = "") {
  const { neighbors } = await callWithUpload(upload, `/neighbors${part && `?${part}`}`);
  return neighbors;
}

/** @param {Upload} upload @param {AbortSignal} signal */
async function position(upload, signal) {
  const [neighbors, { point }] = await Promise.all([
    loadNeighbours(upload),
    callWithUpload(upload, "/tsne"),
  ]);
  const ids = neighbors.map(({ id }) => id);
  return minimap("your image", () => point, ids, signal);
}

/**
 * Call the API with an upload. Responses are cached, because users open neighbours and come back.
 *
 * @param {Upload} upload
 * @param {string} path
 */
function callWithUpload(upload, path) {
  if (cache?.upload !== upload) cache = { upload, responses: new Map() };
  const { responses } = cache;
  const cached = responses.get(path);
  if (cached) return cached;
  const response = callApi(path, { image: upload.file, signal: upload.signal });
  responses.set(path, response);
  response.catch(() => responses.delete(path));
  return response;
}

/**
 * Return the size of the upright image; null if the browser cannot show the file.
 *
 * @param {Upload} upload
 */
async function sizeOf({ url }) {
  const image = element("img", { src: url });
  try {
    await image.decode();
  } catch {
    return null;
  }
  return { width: image.naturalWidth, height: image.naturalHeight };
}

/**
 * @param {Upload} upload
 * @param {{ width: number, height: number } | null} size
 * @param {ReturnType<typeof partSearch>["selection"]} selection
 */
function figure({ file, url }, size, selection) {
  const image = element("img", { src: url, alt: "Your image" });
  return element(
    "figure",
    { class: "large" },
    size ? pictureFrame(image, selection, size.width / size.height) : image,
    element(
      "figcaption",
      {},
      element("p", { class: "attribution" }, file.name),
      ...(size
        ? [element("div", { class: "figure-buttons" }, selection.button), selection.help]
        : []),
    ),
  );
}

/** @param {string} text */
function fileButton(text) {
  return element("button", { type: "button", click: openFileDialog }, text);
}
