/** View of the map of all images. */

import { ApiError } from "../core/api-error.js";
import { sleep } from "../core/api.js";
import { element, svg } from "../core/dom.js";
import { plural } from "../core/format.js";
import { deselect, isSelected, select, selectionSize, toggleSelected } from "../core/selection.js";
import { announce, loading, toast } from "../core/status.js";
import { clearSelection } from "../core/clearing.js";
import { imageViewUrl } from "../core/urls.js";
import { filterPanel } from "../filters/filter-panel.js";
import { filteredUrl, parseFilter } from "../filters/image-filter.js";
import { selectAllButton } from "../filters/select-all.js";
import { matchingPoints } from "./filters.js";
import { hoverCard } from "./hover-card.js";
import { loadPoints, mergePoints } from "./points.js";
import { scatterPlot, ZOOM_STEP } from "./scatter-plot.js";
import { thumbnailStrip } from "./thumbnail-strip.js";

const KEYS =
  "Keyboard: arrow keys move between images, Enter opens an image, Space selects it, A selects " +
  "all that match, Escape clears the selection, plus and minus zoom, 0 shows the whole map.";

// Pause between two updates, as a multiple of the duration of an update.
const PAUSE_FACTOR = 9;

// A loop with an end that hangs down.
const LASSO =
  "M6 13c-6-3-4-10 4-10s10 7 4 9.5c-3 1.2-6 1-8 .5zm0 0c-2 0-2.5 2.5-.5 2.5S7 13 6 13c1 2 1 4-1 5";

const NO_MATCH = "No images match the filters.";

/**
 * Last visible region, restored when the user returns from an image.
 *
 * @type {import("./viewport.js").Region | undefined}
 */
let lastRegion;

// Another release has another map.
addEventListener("release", () => {
  lastRegion = undefined;
});

/** Whether the next map shows the region of the selected images. */
let isToFit = false;

/** Go to the map, and show the region of the selected images. */
export function showSelection() {
  isToFit = true;
  if (document.querySelector(".map-layout")) dispatchEvent(new Event("fit"));
  else location.hash = "#/map";
}

/** @typedef {import("./points.js").MapPoint} MapPoint */

/** @type {import("../router.js").View} */
export async function mapView(host, { query, signal }) {
  host.replaceChildren(loading("Loading the map …"));
  let points = await loadPoints();
  if (signal.aborted) return;
  const filter = parseFilter(query);
  let matching = await matchingPoints(points, filter);
  if (signal.aborted) return;
  const panel = filterPanel(filter, { onChange: onFilterChange, signal });
  const canvasHost = createCanvasHost(points.length);
  const noMatch = noMatchNotice(clearFilters);
  const card = hoverCard(canvasHost, announceCard, signal);
  const strip = thumbnailStrip((point) => plot.highlight(point), signal);
  const buttons = element("div", { class: "zoom" });
  const selectAll = selectAllButton();
  host.replaceChildren(
    layout(
      [canvasHost, noMatch, buttons],
      [panel.element, selectAll.element, help(), strip.element],
    ),
  );
  const plot = scatterPlot(
    canvasHost,
    points,
    {
      onOpen({ id }) {
        location.hash = imageViewUrl(id);
      },
      onHover: card.show,
      onMove(region) {
        lastRegion = region;
        strip.update(() => plot.visiblePoints());
      },
      onToggle: ({ id }) => toggleSelected(id),
      onSelect: selectPoints,
      onDeselect: (inside) => deselect(inside.map(({ id }) => id)),
      onClear: clearSelection,
    },
    { initial: lastRegion, signal },
  );
  buttons.append(
    lassoButton(plot.setSelecting),
    zoomButton("+", "Zoom in", () => plot.zoomBy(ZOOM_STEP)),
    zoomButton("−", "Zoom out", () => plot.zoomBy(1 / ZOOM_STEP)),
    zoomButton("⤢", "Show all", plot.reset),
  );
  showCount();
  if (matching.length < points.length) plot.setPoints(matching);
  showSelected();
  addEventListener("selection", showSelected, { signal });
  addEventListener("fit", fit, { signal });
  if (isToFit) fit();
  /** @type {MapPoint[] | Promise<MapPoint[]>} */
  let latest = matching;
  let isOutdated = false;
  let isUpdating = false;
  addEventListener("revision", follow, { signal });

  /** Follow changes of the images; a large map is loaded for a small share of the time only. */
  async function follow() {
    isOutdated = true;
    if (isUpdating) return;
    isUpdating = true;
    while (isOutdated && !signal.aborted) {
      isOutdated = false;
      const started = performance.now();
      await update();
      const seconds = (performance.now() - started) / 1000;
      await sleep(PAUSE_FACTOR * seconds, signal).catch(() => undefined);
    }
    isUpdating = false;
  }

  /** Show added images, and hide deleted ones; the others keep their places. */
  async function update() {
    const loaded = await loadPoints({ mayPrompt: false }).catch(() => points);
    if (signal.aborted || loaded === points) return;
    points = mergePoints(points, loaded);
    canvasHost.setAttribute("aria-label", mapLabel(points.length));
    panel.update();
    showMatching(() => undefined);
  }

  /** Announce the card of a point that was reached with the keyboard. @param {string} text */
  function announceCard(text) {
    if (document.activeElement === canvasHost) announce(text);
  }

  /** Show the points that match, then call a function. @param {() => void} onShow */
  function showMatching(onShow) {
    const found = matchingPoints(points, filter);
    latest = found;
    if (Array.isArray(found)) return show(found, onShow);
    found.then(
      (answer) => {
        // The filter may have changed meanwhile.
        if (latest === found && !signal.aborted) show(answer, onShow);
      },
      (error) => {
        if (!(error instanceof ApiError)) throw error;
        if (!signal.aborted) toast(error.message);
      },
    );
  }

  /** @param {MapPoint[]} found @param {() => void} onShow */
  function show(found, onShow) {
    matching = found;
    showCount();
    plot.setPoints(matching);
    showSelected();
    onShow();
  }

  function showCount() {
    noMatch.hidden = matching.length > 0;
    selectAll.update(matching);
  }

  function showSelected() {
    plot.setSelected(selectedPoints());
  }

  function selectedPoints() {
    return selectionSize() > 0 ? matching.filter(({ id }) => isSelected(id)) : [];
  }

  /** Show the region of the selected images. */
  function fit() {
    isToFit = false;
    const shown = selectedPoints();
    if (shown.length > 0) plot.fit(shown);
    else toast("None of the selected images is on the map. Clear the filters to see them.");
  }

  function onFilterChange() {
    history.replaceState(history.state, "", filteredUrl("#/map", filter));
    showMatching(() =>
      announce(matching.length > 0 ? `${plural(matching.length, "image")} on the map.` : NO_MATCH),
    );
  }

  function clearFilters() {
    panel.clear();
    // The focused button is hidden.
    canvasHost.focus();
  }
}

/** @param {() => void} clearFilters */
function noMatchNotice(clearFilters) {
  return element(
    "div",
    { class: "no-match", hidden: true },
    element("p", {}, NO_MATCH),
    element("button", { type: "button", click: clearFilters }, "Clear filters"),
  );
}

/** @param {HTMLElement[]} map @param {HTMLElement[]} sidebar */
function layout(map, sidebar) {
  return element(
    "div",
    { class: "map-layout" },
    element(
      "section",
      { class: "map" },
      element("h1", { class: "visually-hidden" }, "Map"),
      ...map,
    ),
    element("aside", { "aria-label": "Filters and images in view" }, ...sidebar),
  );
}

/** @param {number} count of the images */
function createCanvasHost(count) {
  return element("div", {
    class: "canvas-host",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "map",
    "aria-label": mapLabel(count),
    "aria-describedby": "map-help",
  });
}

/** @param {number} count of the images */
function mapLabel(count) {
  return `Map of ${plural(count, "image")}`;
}

function help() {
  return element(
    "p",
    { class: "secondary help", id: "map-help" },
    "Images with similar embeddings are close together. ",
    "A ring marks a misclassified image, in the colour of the predicted class. ",
    "A hollow symbol marks a training image that the model has not learned from. ",
    element("span", { class: "keys" }, KEYS),
  );
}

/** @param {MapPoint[]} points */
function selectPoints(points) {
  select(points.map(({ id }) => id));
}

/**
 * Create the button that makes each drag a lasso; without it, Shift does.
 *
 * @param {(isSelecting: boolean) => void} onToggle
 */
function lassoButton(onToggle) {
  const button = element(
    "button",
    {
      type: "button",
      "aria-label": "Lasso",
      "aria-pressed": "false",
      title: "Lasso: select by drawing around images (or drag with Shift)",
      click: () => {
        const isSelecting = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(isSelecting));
        onToggle(isSelecting);
      },
    },
    svg(
      "svg",
      { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" },
      svg("path", { d: LASSO }),
    ),
  );
  return button;
}

/** @param {string} symbol @param {string} name @param {() => void} click */
function zoomButton(symbol, name, click) {
  return element("button", { type: "button", "aria-label": name, title: name, click }, symbol);
}
