/** Upload of an image: dropped, pasted or chosen. The browser tab keeps the file. */

import { number } from "../core/format.js";
import { toast } from "../core/status.js";

const LEAVE_DELAY_MILLISECONDS = 100;

/**
 * @typedef {object} Upload
 * @property {File} file
 * @property {string} url object URL of the file
 * @property {AbortSignal} signal aborted by the next upload
 */

/** @type {Upload | null} */
let upload = null;

let lifetime = new AbortController();

/**
 * View that receives files instead of the classification.
 *
 * @typedef {object} Receiver
 * @property {string} invitation shown while files are dragged over the page
 * @property {(transfer: DataTransfer) => void} receive
 */

const INVITATION = "Drop the image to classify it";

/** @type {Receiver | null} */
let receiver = null;

/**
 * Let a view receive the files that are dropped or pasted.
 *
 * @param {Receiver} view
 * @param {AbortSignal} signal aborted when the view is left
 */
export function receiveFiles(view, signal) {
  receiver = view;
  signal.addEventListener("abort", () => {
    if (receiver === view) receiver = null;
  });
}

/** Return the last upload, or null. */
export function currentUpload() {
  return upload;
}

/** Open the file dialog. */
export function openFileDialog() {
  document.getElementById("file")?.click();
}

/**
 * Accept files that are chosen, pasted or dropped anywhere on the page.
 *
 * @param {() => void} onUpload
 */
export function listenForUploads(onUpload) {
  const input = /** @type {HTMLInputElement} */ (document.getElementById("file"));
  const overlay = /** @type {HTMLElement} */ (document.getElementById("drop-overlay"));

  document.getElementById("choose-file")?.addEventListener("click", openFileDialog);
  input.addEventListener("change", () => {
    if (accept(input.files)) onUpload();
    // Otherwise choosing the same file again would dispatch no event.
    input.value = "";
  });
  addEventListener("paste", (event) => {
    if (receiver && event.clipboardData?.files.length) receiver.receive(event.clipboardData);
    else if (accept(event.clipboardData?.files)) onUpload();
    else if (!(event.target instanceof HTMLInputElement)) {
      toast("The clipboard contains no image. Copy the image itself, not its URL.");
    }
  });
  let timer = 0;
  addEventListener("dragover", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    overlay.hidden = !event.dataTransfer?.types.includes("Files");
    overlay.firstElementChild?.replaceChildren(receiver?.invitation ?? INVITATION);
  });
  addEventListener("dragleave", (event) => {
    // Safari sets no related target, so the pointer may have moved between elements of the page.
    if (event.relatedTarget) return;
    timer = setTimeout(() => {
      overlay.hidden = true;
    }, LEAVE_DELAY_MILLISECONDS);
  });
  addEventListener("drop", (event) => {
    overlay.hidden = true;
    const files = event.dataTransfer?.files;
    // Text may be dropped into the input of the API key.
    if (!files?.length && event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    if (receiver && event.dataTransfer && files?.length) receiver.receive(event.dataTransfer);
    else if (accept(files)) onUpload();
    else toast("The dropped item contains no file. Save the image first, or copy and paste it.");
  });
}

/**
 * Store the first file and return whether there is one.
 *
 * @param {FileList | null | undefined} files
 */
function accept(files) {
  const file = files?.[0];
  if (!file) return false;
  if (upload) URL.revokeObjectURL(upload.url);
  lifetime.abort();
  lifetime = new AbortController();
  upload = { file, url: URL.createObjectURL(file), signal: lifetime.signal };
  if (files.length > 1) {
    toast(
      `Only one image is accepted at a time: using the first of ${number(files.length)} files.`,
    );
  }
  return true;
}
