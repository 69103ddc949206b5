/** Job of the service that adds the images of one request; it continues when the page is closed. */

import { ApiError } from "../core/api-error.js";
import { callApi, sleep } from "../core/api.js";

const POLL_SECONDS = 1;
const MAX_RETRY_SECONDS = 30;
const PAGE_SIZE = 1000;
const STORED = "belvedere-job";

/**
 * @typedef {import("./addition.js").OutcomeKind} OutcomeKind
 * @typedef {import("../core/api-error.js").Kind} Kind
 *
 * @typedef {object} Sent image of a request
 * @property {string} path
 * @property {string} id
 * @property {string | null} label
 *
 * @typedef {object} StoredJob
 * @property {string} job id
 * @property {Sent[]} images of the job
 * @property {number} unsent number of the images that were to be sent after them
 *
 * @typedef {{ id: string, outcome: OutcomeKind, detail: string }} Answer
 *
 * @typedef {object} Ended
 * @property {"done" | "cancelled" | "failed" | "interrupted"} state
 * @property {string} detail
 * @property {Answer[]} answers to the first images of the job; to all if it is done
 */

/** Errors after which the page asks again. @type {Kind[]} */
const PASSING = ["busy", "interrupted", "not ready", "unreachable"];

/**
 * Follow a job until it ends.
 *
 * @param {string} job id
 * @param {Sent[]} images of the job
 * @param {AbortSignal} signal cancels the job when it is aborted
 * @param {(done: number, message: string) => void} onProgress
 * @returns {Promise<Ended>}
 */
export async function followJob(job, images, signal, onProgress) {
  const path = `/jobs/${job}`;
  let seconds = POLL_SECONDS;
  let done = 0;
  let isCancelled = false;
  for (;;) {
    try {
      if (signal.aborted && !isCancelled) {
        await callApi(path, { method: "DELETE" });
        isCancelled = true;
      }
      const record = await callApi(`${path}?limit=1`);
      if (record.finished) {
        const problems = await loadProblems(path, record.problems_total);
        const { state, detail } = record;
        return { state, detail, answers: answersOf(images.slice(0, record.done), problems) };
      }
      done = record.done;
      onProgress(done, "");
      seconds = POLL_SECONDS;
    } catch (error) {
      if (!(error instanceof ApiError && PASSING.includes(error.kind))) throw error;
      onProgress(done, `${error.message} The page tries again automatically.`);
      seconds = Math.min(2 * seconds, MAX_RETRY_SECONDS);
    }
    // A cancellation ends the pause.
    await sleep(seconds, isCancelled ? undefined : signal).catch(() => undefined);
  }
}

/** @param {string} path @param {number} total */
async function loadProblems(path, total) {
  /** @type {(Answer & { file: string })[]} */
  const found = [];
  while (found.length < total) {
    const page = await callApi(`${path}?limit=${PAGE_SIZE}&offset=${found.length}`);
    if (page.problems.length === 0) break;
    found.push(...page.problems);
  }
  return found;
}

/**
 * Return the answer to each image. A job lists the images that were not stored as sent, by the
 * names of their files, which are numbers; all ids were new, so that the others were added.
 *
 * @param {Sent[]} images
 * @param {(Answer & { file: string })[]} problems
 * @returns {Answer[]}
 */
function answersOf(images, problems) {
  const known = new Map(problems.map((each) => [each.file, each]));
  return images.map(
    ({ id }, index) => known.get(String(index)) ?? { id, outcome: "added", detail: "" },
  );
}

/** Remember a job, so that a reload of the page shows it again. @param {StoredJob} stored */
export function rememberJob({ job, images, unsent }) {
  const sent = images.map(({ path, id, label }) => ({ path, id, label }));
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ job, images: sent, unsent }));
  } catch {
    // Without storage, a reload forgets the job; its images are added all the same.
  }
}

/** Return the job that was followed when the page was reloaded. @returns {StoredJob | null} */
export function rememberedJob() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? "null");
  } catch {
    return null;
  }
}

/** Forget the remembered job, because it has ended. */
export function forgetJob() {
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // The storage is blocked.
  }
}
