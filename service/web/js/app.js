/** The page: what is the same in all views, and the start. */

import { learnWhetherGenerated } from "./attribution.js";
import { learnClasses } from "./classes.js";
import { element } from "./element.js";
import { followAddress, go } from "./router.js";
import { ask, Problem } from "./service.js";
import { remark, problemNotice } from "./states.js";
import { receivePhotographs } from "./upload.js";
import { number } from "./words.js";

const GENERATED = "generated scenes";

/** Learn what is served. */
async function meetTheService() {
  const served = await ask("/readyz");
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

/** Begin, and begin again where the service was not there. */
async function start() {
  const waiting = new AbortController();
  try {
    await meetTheService();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const again = () => {
      waiting.abort();
      start();
    };
    byId("main").replaceChildren(problemNotice(error, again, waiting.signal));
    return;
  }
  await followAddress();
}

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

addEventListener("release", () => {
  remark("A new release is served; what you see has been asked for again.");
  start();
});
// No link, since addresses behind # name views.
byId("skip").addEventListener("click", () => byId("main").focus());
receivePhotographs(() => go("#/yours"));
start();
