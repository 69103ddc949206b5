/** View of a search by examples and counter-examples. */

import { ApiError } from "../core/api-error.js";
import { callApi, watchData } from "../core/api.js";
import { element } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { loadImages } from "../core/image-cache.js";
import { altText, imageCard } from "../core/image-card.js";
import { retryingImage } from "../core/retrying-image.js";
import { announce, errorNotice, loading, notice, preserveFocus, toast } from "../core/status.js";
import { imageUrl, imageViewUrl, thumbnailUrl } from "../core/urls.js";
import { filteredUrl, parseFilter } from "../filters/image-filter.js";
import { selectAllButton } from "../filters/select-all.js";
import { viewFilters } from "../filters/view-filters.js";
import { exampleButtons } from "./example-buttons.js";
import {
  countExamples,
  currentExamples,
  searchUrl,
  setExamples,
  toggleExample,
} from "./examples.js";

const PAGE_SIZE = 24;
const MOST = 1000;

/** Images whose metadata are loaded in one call: the length of an address is limited. */
const IDS_PER_CALL = 50;

/** @typedef {import("./examples.js").Examples} Examples */
/** @typedef {import("../core/image-cache.js").ImageMetadata} ImageMetadata */
/** @typedef {ImageMetadata & { distance: number }} Found */

/** @type {import("../router.js").View} */
export async function searchView(host, { query, signal, reload }) {
  const addressed = { like: query.getAll("like"), unlike: query.getAll("unlike") };
  const filter = parseFilter(query);
  let count = parseCount(query.get("k"));
  if (addressed.like.length + addressed.unlike.length > 0) setExamples(addressed);
  rewriteAddress("replaceState");
  addEventListener("examples", onExamples, { signal });
  if (countExamples() === 0) {
    host.replaceChildren(startNotice(signal));
    return;
  }
  const chosen = element("section", { class: "examples", "aria-label": "Examples" });
  const heading = element("h2", { tabindex: -1 }, "Images");
  const results = element("div");
  const filters = viewFilters(filter, { onChange: onFilters, signal });
  const selectAll = selectAllButton();
  const more = element("button", { type: "button", hidden: true, click: showMore }, "Show more");
  host.replaceChildren(
    element("h1", {}, "Search by examples"),
    element(
      "p",
      { class: "lead" },
      "All images by their distance from the mean of the examples, moved away from that of the ",
      "counter-examples. Choose more of either to make the search better.",
    ),
    chosen,
    filters.element,
    heading,
    selectAll.element,
    results,
    element("p", { class: "buttons" }, more),
  );
  results.append(loading("Searching …"));
  let running = new AbortController();
  signal.addEventListener("abort", () => running.abort());
  watchData(() => find(signal), reload, signal);
  addEventListener("revision", filters.update, { signal });
  await Promise.all([showExamples(), search()]);
  return heading.textContent ?? "";

  function onExamples() {
    if (signal.aborted) return;
    rewriteAddress("pushState");
    if (!host.querySelector(".examples") || countExamples() === 0) return reload();
    count = PAGE_SIZE;
    showExamples();
    searchAndAnnounce();
  }

  function onFilters() {
    count = PAGE_SIZE;
    rewriteAddress("replaceState");
    searchAndAnnounce();
  }

  async function showMore() {
    const shown = results.querySelectorAll("figure").length;
    count = Math.min(MOST, count + PAGE_SIZE);
    rewriteAddress("replaceState");
    await searchAndAnnounce();
    results.querySelectorAll("figure")[shown]?.querySelector("a")?.focus();
  }

  async function searchAndAnnounce() {
    await search();
    if (!signal.aborted) announce(heading.textContent ?? "");
  }

  /** @param {"pushState" | "replaceState"} method */
  function rewriteAddress(method) {
    const others = new URLSearchParams(filter);
    if (count !== PAGE_SIZE) others.set("k", String(count));
    const url = searchUrl(currentExamples(), others);
    if (url !== location.hash) history[method]({ wasShown: true }, "", url);
  }

  async function showExamples() {
    const { like, unlike } = currentExamples();
    try {
      const images = await loadAll([...like, ...unlike], signal);
      if (signal.aborted) return;
      preserveFocus(chosen, heading);
      chosen.replaceChildren(
        exampleList("Like these", images.slice(0, like.length)),
        exampleList("Unlike these", images.slice(like.length)),
        element(
          "p",
          { class: "buttons" },
          element(
            "button",
            { type: "button", click: () => setExamples({ like: [], unlike: [] }) },
            "Remove all",
          ),
        ),
      );
    } catch (error) {
      // The search reports all other errors.
      if (error instanceof ApiError && error.kind === "not found") await removeMissing(signal);
    }
  }

  async function search() {
    running.abort();
    running = new AbortController();
    const { signal: latest } = running;
    results.setAttribute("aria-busy", "true");
    try {
      const found = await find(latest);
      if (latest.aborted) return;
      show(found);
    } catch (error) {
      if (latest.aborted) return;
      heading.textContent = "Images";
      selectAll.element.hidden = true;
      more.hidden = true;
      preserveFocus(results, heading);
      results.replaceChildren(problem(error));
    } finally {
      if (!latest.aborted) results.removeAttribute("aria-busy");
    }
  }

  /** @param {Found[] | null} found */
  function show(found) {
    preserveFocus(results, heading);
    selectAll.update(found ?? []);
    selectAll.element.hidden = !found?.length;
    more.hidden = found === null || found.length < count || count >= MOST;
    if (found === null) {
      heading.textContent = "No example";
      results.replaceChildren(
        element("p", {}, "Counter-examples alone find nothing. Choose at least one image to find."),
      );
    } else if (found.length === 0) {
      heading.textContent = "No images";
      results.replaceChildren(
        element("p", {}, "No other image matches the filters. Remove one of them."),
      );
    } else {
      heading.textContent = plural(found.length, "image");
      results.replaceChildren(element("div", { class: "cards" }, ...found.map(resultCard)));
    }
  }

  /** @param {AbortSignal} ended */
  async function find(ended) {
    const { like, unlike } = currentExamples();
    if (like.length === 0) return null;
    const path = filteredUrl("/search", filter);
    const { neighbors } = await callApi(path, { json: { like, unlike, k: count }, signal: ended });
    return neighbors;
  }

  /** @param {unknown} error */
  function problem(error) {
    const shown = errorNotice(error, search, signal);
    // The heading of the view stays.
    const title = shown.querySelector("h1");
    title?.replaceWith(element("h3", {}, title.textContent));
    return shown;
  }
}

/** Return the number of images of an address. @param {string | null} text */
function parseCount(text) {
  return Math.min(MOST, Math.max(1, Math.trunc(Number(text)) || PAGE_SIZE));
}

/** @param {Found} image */
function resultCard(image) {
  const card = imageCard(
    image,
    { source: imageUrl(image.id) },
    element("span", { class: "secondary" }, `distance ${number(image.distance, 2)}`),
  );
  card.querySelector("figcaption")?.append(exampleButtons(image.id, { linked: false }));
  return card;
}

/** @param {string} title @param {ImageMetadata[]} images */
function exampleList(title, images) {
  return element(
    "div",
    {},
    element("h2", {}, title),
    images.length > 0
      ? element("ul", {}, ...images.map(exampleItem))
      : element("p", { class: "secondary" }, "None yet."),
  );
}

/** @param {ImageMetadata} image */
function exampleItem(image) {
  const alt = altText(image);
  const kind = currentExamples().like.includes(image.id) ? "like" : "unlike";
  return element(
    "li",
    {},
    element("a", { href: imageViewUrl(image.id) }, retryingImage(thumbnailUrl(image.id), alt)),
    element(
      "button",
      {
        type: "button",
        "aria-label": `Remove ${image.id}`,
        title: "Remove",
        click: () => toggleExample(image.id, kind),
      },
      "×",
    ),
  );
}

/** @param {AbortSignal} signal */
function startNotice(signal) {
  return notice(
    "Search by examples",
    "Open an image and choose “More like this”, or start with a random one. Images that are less " +
      "like what you look for make the search better, too.",
    element(
      "button",
      { type: "button", class: "primary", click: () => startAtRandom(signal) },
      "Start with a random image",
    ),
    element("a", { href: "#/map" }, "Choose one on the map"),
  );
}

/** @param {AbortSignal} signal */
async function startAtRandom(signal) {
  try {
    const { id } = await callApi("/images/random", { signal });
    setExamples({ like: [id], unlike: [] });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message);
  }
}

/** @param {string[]} ids @param {AbortSignal} signal */
async function loadAll(ids, signal) {
  const parts = [];
  for (let start = 0; start < ids.length; start += IDS_PER_CALL) {
    parts.push(loadImages(ids.slice(start, start + IDS_PER_CALL), signal));
  }
  return (await Promise.all(parts)).flat();
}

/** Remove the examples that are no longer stored. @param {AbortSignal} signal */
async function removeMissing(signal) {
  const { like, unlike } = currentExamples();
  const missing = new Set();
  for (const id of [...like, ...unlike]) {
    await loadImages([id], signal).catch((error) => {
      if (error instanceof ApiError && error.kind === "not found") missing.add(id);
    });
  }
  if (signal.aborted || missing.size === 0) return;
  const stored = (/** @type {string[]} */ ids) => ids.filter((id) => !missing.has(id));
  toast(`${plural(missing.size, "example")} no longer stored: removed from the search.`);
  setExamples({ like: stored(like), unlike: stored(unlike) });
}
