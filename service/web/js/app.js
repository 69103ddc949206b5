/** The page: what is the same in all views, and the start. */

import { learnWhetherGenerated } from "./attribution.js";
import { learnClasses } from "./classes.js";
import { element } from "./element.js";
import { followAddress, go, leave } from "./router.js";
import { ask } from "./service.js";
import { problemNotice, remark, sayBusy } from "./states.js";
import { receivePhotographs } from "./upload.js";
import { number } from "./words.js";

const GENERATED = "generated scenes";

let beginning = new AbortController();

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
      element("a", { href: `#/experiments/${encodeURIComponent(served.network)}` }, served.network),
      `. Release ${served.release}. `,
      element("a", { href: "/docs" }, "Every call of the service"),
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
  try {
    await meetTheService(signal);
  } catch (error) {
    if (!signal.aborted) byId("main").replaceChildren(problemNotice(error, begin, signal));
    return;
  }
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
  receivePhotographs(() => go("#/yours"));
  begin();
}
