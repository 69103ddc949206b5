/**
 * Addition of many images to the collection: sent in batches, with an outcome for each file. It
 * continues when its view is left. The service adds large batches as jobs, which a reload of the
 * page does not end.
 */

import { ApiError } from "../core/api-error.js";
import { callApi, sleep } from "../core/api.js";
import { followJob, forgetJob, rememberJob } from "./job.js";

const BATCH = { count: 32, bytes: 16 * 1024 * 1024 };

// The service answers up to 100 images with an outcome for each, and more with a job.
const MIN_JOB = 101;
const JOB = { count: 500, bytes: 256 * 1024 * 1024 };
const CANCELLING = "Cancelling: images whose addition has begun are still added.";
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
 * @property {number} processed number of the images of the present job that have an outcome
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
  const { addition, signal, change, finish } = createAddition(images);
  addEventListener("beforeunload", warn);
  run().finally(() => removeEventListener("beforeunload", warn));
  return addition;

  async function run() {
    for (const batch of batchesOf(images)) {
      try {
        addition.outcomes.push(...(await outcomesOf(batch)));
        if (signal.aborted && addition.outcomes.length < images.length) return finish("cancelled");
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
    /** @type {Outcome[]} */
    const outcomes = [];
    for (const image of batch) {
      const answer = answers[sent.indexOf(image)];
      if (unreadable.has(image)) outcomes.push(failed(image, "The file can no longer be read."));
      // A cancelled job has no answers to its last images.
      else if (!answer) break;
      else outcomes.push({ image, id: answer.id, outcome: answer.outcome, detail: answer.detail });
    }
    return outcomes;
  }

  /**
   * Send a batch until the service answers: a repetition is safe, because stored images stay
   * unchanged.
   *
   * @param {NewImage[]} batch
   * @returns {Promise<import("./job.js").Answer[]>} answers to the first images; to all of them,
   *   unless the addition was cancelled
   */
  async function send(batch) {
    // The form has asked for a confirmation of new classes.
    const path = `/images?new_class=true${restores ? "&restore=true" : ""}`;
    let interruptions = 0;
    for (let seconds = 1; ; seconds = Math.min(2 * seconds, MAX_RETRY_SECONDS)) {
      signal.throwIfAborted();
      try {
        const { outcomes, job } = await callApi(path, { form: formOf(batch), signal });
        addition.message = "";
        return outcomes ?? (await follow(job.id, batch));
      } catch (error) {
        if (!(error instanceof ApiError && PASSING.includes(error.kind))) throw error;
        if (error.kind === "interrupted") interruptions += 1;
        if (interruptions > MAX_INTERRUPTIONS) throw error;
        change(`${error.message} The page tries again automatically.`);
        await sleep(seconds, signal);
      }
    }
  }

  /** @param {string} job @param {NewImage[]} batch */
  async function follow(job, batch) {
    const unsent = images.length - addition.outcomes.length - batch.length;
    rememberJob({ job, images: batch, unsent });
    // The job continues when the tab is closed.
    if (unsent === 0) removeEventListener("beforeunload", warn);
    const ended = await followed(job, batch, addition, signal, change);
    if (ended.state === "interrupted") throw new ApiError("interrupted", ended.detail);
    if (ended.state !== "failed") return ended.answers;
    const rest = batch.slice(ended.answers.length);
    return [...ended.answers, ...rest.map((image) => failed(image, ended.detail))];
  }
}

/**
 * Follow a job that an earlier load of the page has started.
 *
 * @param {import("./job.js").StoredJob} stored
 * @returns {Addition}
 */
export function resumeAddition({ job, images: sent, unsent }) {
  const images = sent.map((each) => ({ ...each, file: null }));
  const { addition, signal, change, finish } = createAddition(images);
  run();
  return addition;

  async function run() {
    try {
      const { state, detail, answers } = await followed(job, sent, addition, signal, change);
      addition.outcomes = answers.map((answer, index) => ({ ...answer, image: images[index] }));
      const left = unsent + sent.length - answers.length;
      const note = left > 0 ? ` Choose the other ${left} files again to add them.` : "";
      finish(state === "done" ? "done" : "cancelled", `${detail}${note}`.trim());
    } catch (error) {
      finish("refused", error instanceof ApiError ? error.message : String(error));
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

/**
 * Follow a job until it ends, and count its images meanwhile.
 *
 * @param {string} job
 * @param {import("./job.js").Sent[]} sent
 * @param {Addition} addition
 * @param {AbortSignal} signal
 * @param {(message: string) => void} change
 */
async function followed(job, sent, addition, signal, change) {
  try {
    return await followJob(job, sent, signal, (done, message) => {
      addition.processed = done;
      change(message);
    });
  } finally {
    addition.processed = 0;
    forgetJob();
  }
}

/** @param {NewImage[]} images */
function createAddition(images) {
  const lifetime = new AbortController();
  /** @type {Addition} */
  const addition = {
    images,
    outcomes: [],
    processed: 0,
    state: "running",
    message: "",
    cancel: () => {
      lifetime.abort();
      change();
    },
    events: new EventTarget(),
  };
  return { addition, signal: lifetime.signal, change, finish };

  /** @param {Addition["state"]} state @param {string} [message] */
  function finish(state, message = "") {
    addition.state = state;
    change(message);
  }

  function change(message = "") {
    const isEnding = lifetime.signal.aborted && addition.state === "running";
    addition.message = message || (isEnding ? CANCELLING : "");
    addition.events.dispatchEvent(new Event("change"));
  }
}

/** Ask before the tab is closed while images are sent. @param {Event} event */
function warn(event) {
  event.preventDefault();
}

/**
 * Divide images into batches: jobs of small images, and batches that are answered at once.
 *
 * @param {NewImage[]} images
 */
function* batchesOf(images) {
  for (let start = 0; start < images.length;) {
    const large = countOf(images, start, JOB);
    const count = large >= MIN_JOB ? large : countOf(images, start, BATCH);
    yield images.slice(start, start + count);
    start += count;
  }
}

/**
 * Return the number of images from a position on that are within a limit; at least one.
 *
 * @param {NewImage[]} images
 * @param {number} start
 * @param {typeof BATCH} limit
 */
function countOf(images, start, limit) {
  let bytes = 0;
  for (let end = start; end < images.length; end += 1) {
    bytes += sizeOf(images[end]);
    if (end > start && (bytes > limit.bytes || end - start >= limit.count)) return end - start;
  }
  return images.length - start;
}

/** @param {NewImage} image */
function sizeOf({ file }) {
  return file?.size ?? 0;
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
  batch.forEach(({ file }, index) => {
    if (file) form.append("file", file, String(index));
  });
  return form;
}

/** @param {NewImage[]} batch */
async function findUnreadable(batch) {
  const readable = await Promise.all(batch.map(({ file }) => isReadable(file)));
  return new Set(batch.filter((_, index) => !readable[index]));
}

/** @param {File | null} file */
async function isReadable(file) {
  if (!file) return false;
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
