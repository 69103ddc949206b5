/**
 * Addition of many images to the collection: sent in batches, with an outcome for each file. It
 * continues when its view is left.
 */

import { ApiError } from "../core/api-error.js";
import { callApi, sleep } from "../core/api.js";

// The service answers up to 100 images with an outcome for each.
const MAX_BATCH = 32;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
const MAX_RETRY_SECONDS = 30;
// A body that is refused before its end looks like an interruption, too.
const MAX_INTERRUPTIONS = 3;

/**
 * @typedef {import("./new-images.js").NewImage} NewImage
 * @typedef {import("../core/api-error.js").Kind} Kind
 *
 * @typedef {"added" | "replaced" | "relabelled" | "unchanged" | "duplicate_of" | "conflict"
 *   | "deleted_before" | "rejected" | "failed"} OutcomeKind
 *
 * @typedef {object} Outcome
 * @property {NewImage} image
 * @property {string} id of the stored image that the outcome concerns
 * @property {OutcomeKind} outcome
 * @property {string} detail empty if the outcome says all
 *
 * @typedef {object} Addition
 * @property {NewImage[]} images
 * @property {Outcome[]} outcomes of the images that were sent, in their order
 * @property {"running" | "done" | "cancelled" | "refused"} state
 * @property {string} message reason of a pause or of the end; empty otherwise
 * @property {() => void} cancel
 * @property {EventTarget} events dispatches `change`
 */

/** Errors that end, so that the page sends the batch again. @type {Kind[]} */
const PASSING = ["busy", "interrupted", "not ready", "unreachable"];

/** Errors of all batches alike. @type {Kind[]} */
const FINAL = ["forbidden", "unauthorized"];

/**
 * Begin to add images.
 *
 * @param {NewImage[]} images
 * @param {object} [options]
 * @param {boolean} [options.restores] whether images are added that were stored and deleted
 * @returns {Addition}
 */
export function startAddition(images, { restores = false } = {}) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  /** @type {Addition} */
  const addition = {
    images,
    outcomes: [],
    state: "running",
    message: "",
    cancel: () => lifetime.abort(),
    events: new EventTarget(),
  };
  addEventListener("beforeunload", warn);
  run().finally(() => removeEventListener("beforeunload", warn));
  return addition;

  async function run() {
    for (const batch of batchesOf(images)) {
      try {
        addition.outcomes.push(...(await outcomesOf(batch)));
      } catch (error) {
        if (signal.aborted) return finish("cancelled");
        if (!(error instanceof ApiError)) {
          finish("refused", "An unexpected error occurred. The browser console contains it.");
          throw error;
        }
        if (FINAL.includes(error.kind)) return finish("refused", error.message);
        addition.outcomes.push(...batch.map((each) => failed(each, error.message)));
      }
      change();
    }
    finish("done");
  }

  /** @param {NewImage[]} batch @returns {Promise<Outcome[]>} */
  async function outcomesOf(batch) {
    const unreadable = await findUnreadable(batch);
    const sent = batch.filter((each) => !unreadable.has(each));
    const answers = sent.length > 0 ? await send(sent) : [];
    return batch.map((image) => {
      if (unreadable.has(image)) return failed(image, "The file can no longer be read.");
      const { id, outcome, detail } = answers[sent.indexOf(image)];
      return { image, id, outcome, detail };
    });
  }

  /**
   * Send a batch until the service answers: a repetition is safe, because stored images stay
   * unchanged.
   *
   * @param {NewImage[]} batch
   */
  async function send(batch) {
    // The form has asked for a confirmation of new classes.
    const path = `/images?new_class=true${restores ? "&restore=true" : ""}`;
    let interruptions = 0;
    for (let seconds = 1; ; seconds = Math.min(2 * seconds, MAX_RETRY_SECONDS)) {
      signal.throwIfAborted();
      try {
        const { outcomes } = await callApi(path, { form: formOf(batch), signal });
        addition.message = "";
        return outcomes;
      } catch (error) {
        if (!(error instanceof ApiError && PASSING.includes(error.kind))) throw error;
        if (error.kind === "interrupted") interruptions += 1;
        if (interruptions > MAX_INTERRUPTIONS) throw error;
        change(`${error.message} The page tries again automatically.`);
        await sleep(seconds, signal);
      }
    }
  }

  /** @param {Addition["state"]} state @param {string} [message] */
  function finish(state, message = "") {
    addition.state = state;
    change(message);
  }

  function change(message = "") {
    addition.message = message;
    addition.events.dispatchEvent(new Event("change"));
  }
}

/** Ask before the tab is closed while images are sent. @param {Event} event */
function warn(event) {
  event.preventDefault();
}

/** @param {NewImage[]} images */
function* batchesOf(images) {
  /** @type {NewImage[]} */
  let batch = [];
  let size = 0;
  for (const image of images) {
    if (batch.length === MAX_BATCH || (size > 0 && size + image.file.size > MAX_BATCH_BYTES)) {
      yield batch;
      [batch, size] = [[], 0];
    }
    batch.push(image);
    size += image.file.size;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Create the form of a batch. The parts are numbered, because browsers change some characters of
 * the names of files.
 *
 * @param {NewImage[]} batch
 */
function formOf(batch) {
  const form = new FormData();
  const manifest = batch.map(({ id, label }, index) => ({ file: String(index), id, label }));
  form.append("manifest", new Blob([JSON.stringify(manifest)]), "manifest.json");
  batch.forEach(({ file }, index) => form.append("file", file, String(index)));
  return form;
}

/** @param {NewImage[]} batch */
async function findUnreadable(batch) {
  const readable = await Promise.all(batch.map(({ file }) => isReadable(file)));
  return new Set(batch.filter((_, index) => !readable[index]));
}

/** @param {File} file */
function isReadable(file) {
  return file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}

/** @param {NewImage} image @param {string} detail @returns {Outcome} */
function failed(image, detail) {
  return { image, id: image.id, outcome: "failed", detail };
}
