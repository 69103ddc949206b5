/** The map of all photographs. */

import { element } from "../core/dom.js";
import { plural } from "../core/format.js";
import { announce, loading } from "../core/status.js";
import { addressOf } from "../core/urls.js";
import { addressWith, filterControls, filtersOf, fitting } from "./filters.js";
import { hoverCard } from "./hover-card.js";
import { allPoints } from "./points.js";
import { scatter, STEP } from "./scatter-plot.js";
import { sightStrip } from "./thumbnail-strip.js";

const KEYS =
  "Arrow keys go from photograph to photograph, Enter opens one, plus and minus zoom, 0 shows all.";

const NOTHING = "No photograph fits.";

/**
 * The part that was shown last, for who comes back from a photograph.
 *
 * @type {import("./viewport.js").Part | undefined}
 */
let lastPart;

// The map of another release is another one.
addEventListener("release", () => {
  lastPart = undefined;
});

/** @type {import("../router.js").View} */
export async function mapView(place, { query, signal }) {
  place.replaceChildren(loading("Loading the map …"));
  const points = await allPoints();
  if (signal.aborted) return;
  let filters = filtersOf(query);
  let controls = filterControls(points, filters, change);
  const sheet = sheetFor(points.length);
  const nothing = nothingFits(showAll);
  const card = hoverCard(sheet, tell, signal);
  const strip = sightStrip((point) => map.emphasise(point), signal);
  const buttons = element("div", { class: "zoom" });
  place.replaceChildren(atlas([sheet, nothing, buttons], [controls, help(), strip.element]));
  const map = scatter(
    sheet,
    points,
    {
      open({ id }) {
        location.hash = addressOf(id);
      },
      point: card.show,
      move(part) {
        lastPart = part;
        strip.update(() => map.inSight());
      },
    },
    { start: lastPart, signal },
  );
  buttons.append(
    zoomButton("+", "Zoom in", () => map.zoomBy(STEP)),
    zoomButton("−", "Zoom out", () => map.zoomBy(1 / STEP)),
    zoomButton("⤢", "Show all", map.reset),
  );
  if (String(query)) filter();

  /** The keyboard walks unseen over the points. @param {string} text */
  function tell(text) {
    if (document.activeElement === sheet) announce(text);
  }

  function filter() {
    const chosen = fitting(points, filters);
    nothing.hidden = chosen.length > 0;
    map.show(chosen);
    history.replaceState(history.state, "", addressWith(filters));
    return chosen.length;
  }

  function change() {
    const count = filter();
    announce(count > 0 ? `${plural(count, "photograph")} on the map.` : NOTHING);
  }

  function showAll() {
    filters = filtersOf(new URLSearchParams());
    const anew = filterControls(points, filters, change);
    controls.replaceWith(anew);
    controls = anew;
    change();
    // The button that was pressed is gone.
    sheet.focus();
  }
}

/** @param {() => void} showAll */
function nothingFits(showAll) {
  return element(
    "div",
    { class: "nothing", hidden: true },
    element("p", {}, NOTHING),
    element("button", { type: "button", click: showAll }, "Take the filters away"),
  );
}

/** The map, and what stands beside it. @param {HTMLElement[]} map @param {HTMLElement[]} beside */
function atlas(map, beside) {
  return element(
    "div",
    { class: "atlas" },
    element("section", { class: "map" }, element("h1", { class: "unseen" }, "Map"), ...map),
    element("aside", { "aria-label": "Filters and photographs in sight" }, ...beside),
  );
}

/** What the points are drawn on. @param {number} count */
function sheetFor(count) {
  return element("div", {
    class: "sheet",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "map",
    "aria-label": `Map of ${plural(count, "photograph")}`,
    "aria-describedby": "map-help",
  });
}

function help() {
  return element(
    "p",
    { class: "quiet help", id: "map-help" },
    "Photographs that the network finds alike lie close. A ring marks an error, in the colour of ",
    "the class that it was taken for. ",
    element("span", { class: "keys" }, KEYS),
  );
}

/** @param {string} sign @param {string} name @param {() => void} click */
function zoomButton(sign, name, click) {
  return element("button", { type: "button", "aria-label": name, title: name, click }, sign);
}
