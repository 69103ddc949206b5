/** A photograph of one's own: dropped anywhere, chosen or pasted. It stays in this tab. */

/** @typedef {{ file: File, url: string }} OwnPhotograph */

/** @type {OwnPhotograph | null} */
let own = null;

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

  /** @param {DataTransfer | HTMLInputElement | null} given */
  function receive(given) {
    const file = given?.files?.[0];
    if (!file) return;
    if (own) URL.revokeObjectURL(own.url);
    own = { file, url: URL.createObjectURL(file) };
    onReceived();
  }

  document.getElementById("choose")?.addEventListener("click", choosePhotograph);
  input.addEventListener("change", () => {
    receive(input);
    // Else choosing the same file again would go unnoticed.
    input.value = "";
  });
  addEventListener("paste", (event) => receive(event.clipboardData));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    curtain.hidden = !event.dataTransfer?.types.includes("Files");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) curtain.hidden = true;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    curtain.hidden = true;
    receive(event.dataTransfer);
  });
}
