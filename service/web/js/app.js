/** The page: what is the same in all views, and the start. */

import { ask } from "./core/api.js";
import { learnWhetherGenerated } from "./core/attribution.js";
import { learnClasses } from "./core/classes.js";
import { element } from "./core/dom.js";
import { number } from "./core/format.js";
import { keepFocus, loading, problemNotice, remark, sayBusy } from "./core/status.js";
import { addressOfExperiment } from "./experiments/experiment-table.js";
import { receivePhotographs } from "./images/upload.js";
import { followAddress, go, leave, tell } from "./router.js";

// What the project calls the collection that it paints itself.
const GENERATED = "generated scenes";

let beginning = new AbortController();
let hasMet = false;

/** Learn what is served. @param {AbortSignal} signal */
async function meetTheService(signal) {
  const served = await ask("/readyz", { signal });
  const isGenerated = served.data === GENERATED;
  learnClasses(served.classes);
  learnWhetherGenerated(isGenerated);
  byId("banner").hidden = !isGenerated;
  byId("footer").replaceChildren(
    element(
      "p",
      {},
      `${number(served.photographs)} photographs of the collection “${served.data}”, `,
      "recognised by ",
      element("a", { href: addressOfExperiment(served.network) }, served.network),
      `. Release ${served.release}. `,
      element("a", { href: "docs" }, "Every call of the service"),
      ".",
    ),
  );
}

/** Begin, and begin again where the service was not there or serves something else. */
async function begin() {
  beginning.abort();
  beginning = new AbortController();
  const { signal } = beginning;
  leave();
  keepFocus(byId("main"));
  byId("main").replaceChildren(loading());
  try {
    await meetTheService(signal);
  } catch (error) {
    if (signal.aborted) return;
    byId("main").replaceChildren(problemNotice(error, begin, signal));
    tell();
    return;
  }
  hasMet = true;
  if (!signal.aborted) await followAddress();
}

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** Start the page. */
export function start() {
  addEventListener("release", () => {
    remark("A new release is served; what you see has been asked for again.");
    begin();
  });
  addEventListener("busy", sayBusy);
  // No link, since addresses behind # name views.
  byId("skip").addEventListener("click", () => byId("main").focus());
  receivePhotographs(() => {
    if (hasMet) return go("#/yours");
    location.hash = "#/yours";
    remark("The photograph is looked at as soon as the service is ready.");
  });
  begin();
}
