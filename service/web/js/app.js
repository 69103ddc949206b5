/** Start of the page, and the parts that all views share: banner, footer, upload, selection. */

import { ApiError } from "./core/api-error.js";
import { callApi, sleep } from "./core/api.js";
import { setGenerated } from "./core/attribution.js";
import { setClasses } from "./core/classes.js";
import { element } from "./core/dom.js";
import { number } from "./core/format.js";
import { listenForHelp } from "./core/keyboard-help.js";
import { setWritable } from "./core/permission.js";
import { errorNotice, loading, preserveFocus, showBusy, toast } from "./core/status.js";
import { experimentUrl } from "./core/urls.js";
import { listenForUploads } from "./images/upload.js";
import { announceView, leaveView, loadViews, navigate, startRouting } from "./router.js";
import { countExamples } from "./search/examples.js";

// Name of the collection of generated images.
const GENERATED = "generated scenes";

const POLL_SECONDS = 2;

// Time for the first view to be painted before other modules are loaded.
const LOADING_MILLISECONDS = 500;

let initialization = new AbortController();
let isInitialized = false;
let hasTray = false;
let hasSelected = false;

/**
 * Load and show the name and size of the collection, the classes and the release.
 *
 * @param {AbortSignal} [signal]
 */
async function loadServiceInfo(signal) {
  const info = await callApi("/readyz", { signal });
  const isGenerated = info.data === GENERATED;
  setClasses(info.classes);
  setGenerated(isGenerated);
  setWritable(info.writable);
  byId("banner").hidden = !isGenerated;
  byId("footer").replaceChildren(
    element(
      "p",
      {},
      `${number(info.photographs)} images from “${info.data}”, classified by `,
      element("a", { href: experimentUrl(info.network) }, info.network),
      `. Release ${info.release}. `,
      element("a", { href: "docs" }, "API reference"),
      ".",
    ),
  );
}

/** Initialize the page; also after an outage and when the release changes. */
async function initialize() {
  initialization.abort();
  initialization = new AbortController();
  const { signal } = initialization;
  leaveView();
  preserveFocus(byId("main"));
  byId("main").replaceChildren(loading());
  try {
    await loadServiceInfo(signal);
  } catch (error) {
    if (signal.aborted) return;
    byId("main").replaceChildren(errorNotice(error, initialize, signal));
    announceView();
    return;
  }
  isInitialized = true;
  if (signal.aborted) return;
  await startRouting();
  setTimeout(loadOtherParts, LOADING_MILLISECONDS);
}

/** Load the parts that the first view does not need. */
function loadOtherParts() {
  loadTray();
  loadViews();
}

/** Load and start the tray; after an outage, the next change of the selection tries again. */
async function loadTray() {
  const module = await import("./selection/tray.js").catch(() => null);
  if (module === null || hasTray) return;
  hasTray = true;
  module.startTray(hasSelected);
}

/** Poll the service for another release and for changed images, while the page is visible. */
async function followService() {
  for (;;) {
    await sleep(POLL_SECONDS);
    if (document.hidden) continue;
    await callApi("/livez").catch(ignoreOutage);
  }
}

/** Show the number of examples beside the link to the search. */
function showExampleCount() {
  const count = countExamples();
  byId("example-count").textContent = count > 0 ? `\u00a0(${number(count)})` : "";
}

/** @param {unknown} error */
function ignoreOutage(error) {
  if (!(error instanceof ApiError)) throw error;
}

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** Start the page. */
export function start() {
  addEventListener("release", () => {
    toast("A new release is served. This page was reloaded.");
    initialize();
  });
  addEventListener("revision", () => loadServiceInfo().catch(ignoreOutage));
  addEventListener("busy", showBusy);
  addEventListener("selection", () => {
    hasSelected = true;
    if (!hasTray) loadTray();
  });
  addEventListener("examples", showExampleCount);
  showExampleCount();
  // A link would change the hash, which selects the view.
  byId("skip").addEventListener("click", () => byId("main").focus());
  listenForUploads(() => {
    if (isInitialized) return navigate("#/yours");
    location.hash = "#/yours";
    toast("The image will be classified when the service is ready.");
  });
  listenForHelp();
  initialize();
  followService();
}
