/** The map of all photographs. */

import { addressOf } from "./addresses.js";
import { element } from "./element.js";
import { addressWith, filterControls, filtersOf, fitting } from "./filters.js";
import { hoverCard } from "./hover-card.js";
import { allPoints, isWrong } from "./points.js";
import { scatter, STEP } from "./scatter.js";
import { sightStrip } from "./sight-strip.js";
import { announce, loading } from "./states.js";
import { plural } from "./words.js";

/** @typedef {import("./points.js").MapPoint} MapPoint */

const KEYS =
  "Arrow keys go from photograph to photograph, Enter opens one, plus and minus zoom, 0 shows all.";

/** The part that was shown last, for who comes back from a photograph. @type {any} */
let lastPart;

/** @type {import("./router.js").View} */
export async function mapView(place, { query, signal }) {
  place.replaceChildren(loading("Loading the map …"));
  const points = await allPoints();
  if (signal.aborted) return;
  const filters = filtersOf(query);
  const sheet = sheetFor(points.length);
  const nothing = element("p", { class: "nothing", hidden: true }, "No photograph fits.");
  const card = hoverCard(sheet, signal);
  const strip = sightStrip((point) => map.emphasise(point), signal);
  const buttons = element("div", { class: "zoom" });
  place.replaceChildren(
    atlas(
      [sheet, nothing, buttons],
      [filterControls(points, filters, change), help(), strip.element],
    ),
  );
  const map = scatter(
    sheet,
    points,
    {
      open({ id }) {
        location.hash = addressOf(id);
      },
      point(point, spot) {
        card.show(point, spot);
        if (point && document.activeElement === sheet) announce(said(point));
      },
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
  if (query.size > 0) change();

  function change() {
    const chosen = fitting(points, filters);
    nothing.hidden = chosen.length > 0;
    map.show(chosen);
    history.replaceState(null, "", addressWith(filters));
  }
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
    "Photographs that the network finds alike lie close. A ring has the colour of the class ",
    "that one was taken for. ",
    element("span", { class: "keys" }, KEYS),
  );
}

/** @param {MapPoint} point */
function said(point) {
  return isWrong(point) ? `${point.label}, taken for ${point.predicted}` : point.label;
}

/** @param {string} sign @param {string} name @param {() => void} click */
function zoomButton(sign, name, click) {
  return element("button", { type: "button", "aria-label": name, title: name, click }, sign);
}
