/** A photograph of one's own: dropped anywhere, chosen or pasted. It stays in this tab. */

import { number } from "../core/format.js";
import { remark } from "../core/status.js";

const MILLISECONDS_OUTSIDE = 100;

/**
 * @typedef {object} OwnPhotograph
 * @property {File} file
 * @property {string} url under which this tab shows it
 * @property {AbortSignal} signal ends when another one is given
 */

/** @type {OwnPhotograph | null} */
let own = null;

let giving = new AbortController();

/** The photograph that was given last. */
export function ownPhotograph() {
  return own;
}

/** Let people choose a file. */
export function choosePhotograph() {
  document.getElementById("file")?.click();
}

/**
 * Take every photograph that is given to the page.
 *
 * @param {() => void} onReceived
 */
export function receivePhotographs(onReceived) {
  const input = /** @type {HTMLInputElement} */ (document.getElementById("file"));
  const curtain = /** @type {HTMLElement} */ (document.getElementById("dropping"));

  document.getElementById("choose")?.addEventListener("click", choosePhotograph);
  input.addEventListener("change", () => {
    if (take(input.files)) onReceived();
    // Else choosing the same file again would go unnoticed.
    input.value = "";
  });
  addEventListener("paste", (event) => {
    if (take(event.clipboardData?.files)) onReceived();
    else if (!(event.target instanceof HTMLInputElement)) {
      remark("There was no photograph to paste; copy the picture itself, not its address.");
    }
  });
  let leaving = 0;
  addEventListener("dragover", (event) => {
    event.preventDefault();
    clearTimeout(leaving);
    curtain.hidden = !event.dataTransfer?.types.includes("Files");
  });
  addEventListener("dragleave", (event) => {
    // Safari never says where to, so it may have been from one element to the next.
    if (event.relatedTarget) return;
    leaving = setTimeout(() => {
      curtain.hidden = true;
    }, MILLISECONDS_OUTSIDE);
  });
  addEventListener("drop", (event) => {
    curtain.hidden = true;
    const files = event.dataTransfer?.files;
    // Text may be dragged into the field of the key.
    if (!files?.length && event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    if (take(files)) onReceived();
    else remark("There was no file in it; save the photograph first, or paste it.");
  });
}

/** Keep the first of these files. @param {FileList | null | undefined} files */
function take(files) {
  const file = files?.[0];
  if (!file) return false;
  if (own) URL.revokeObjectURL(own.url);
  giving.abort();
  giving = new AbortController();
  own = { file, url: URL.createObjectURL(file), signal: giving.signal };
  if (files.length > 1)
    remark(`One at a time: this is the first of ${number(files.length)} files.`);
  return true;
}
