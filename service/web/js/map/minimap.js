/** A small map with one place on it and those of its neighbours. */

import { Problem } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { enumeration } from "../core/format.js";
import { sheet } from "./canvas-layer.js";
import { allPoints } from "./points.js";
import { framed } from "./projection.js";
import { coloursOf, paintLinks, paintPoints, sizeOf, write } from "./renderer.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./points.js").Spot} Spot
 *
 * @typedef {object} Located
 * @property {string} name of what lies there
 * @property {Spot} spot
 * @property {MapPoint[]} near its neighbours
 */

// How much of the points is hidden behind what the map is about.
const VEIL = 0.6;
const LARGER = 4;
const NAME_ABOVE = 12;

/**
 * Where something lies on the map; null where the map cannot be had, since it is only an extra.
 *
 * @param {string} name of what lies there
 * @param {(points: MapPoint[]) => Spot | undefined} find
 * @param {string[]} neighbours ids
 * @param {AbortSignal} signal
 * @returns {Promise<HTMLElement | null>}
 */
export async function locator(name, find, neighbours, signal) {
  let points;
  try {
    points = await allPoints({ mayPrompt: false });
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
  const spot = find(points);
  if (!spot || signal.aborted) return null;
  const near = points.filter((point) => neighbours.includes(point.id));
  return element(
    "div",
    {},
    smallMap(points, { name, spot, near }, signal),
    element(
      "p",
      { class: "quiet" },
      "Lines lead to the three nearest; the map is flat, so they may lie apart.",
    ),
  );
}

/** @param {MapPoint[]} points @param {Located} located @param {AbortSignal} signal */
function smallMap(points, { name, spot, near }, signal) {
  const labels = enumeration(near.map(({ label }) => label));
  const host = element("div", {
    class: "sheet small",
    role: "img",
    "aria-label": `The map, with lines from ${name} to the nearest: ${labels}`,
  });
  let frame = framed(points, 1, 1);
  let size = 0;
  const painters = {
    /** @param {number} width @param {number} height */
    fit(width, height) {
      frame = framed(points, width, height);
      size = sizeOf((width * height) / points.length, 1);
    },
    /** @param {import("./canvas-layer.js").Pen} pen */
    below(pen) {
      return paintPoints(pen, { points, placeOf: frame.toPixels, size, colours: coloursOf(host) });
    },
    /** @param {import("./canvas-layer.js").Pen} pen */
    above(pen) {
      const colours = coloursOf(host);
      const [x, y] = frame.toPixels(spot);
      pen.globalAlpha = VEIL;
      pen.fillStyle = colours.ground;
      pen.fillRect(0, 0, host.clientWidth, host.clientHeight);
      pen.globalAlpha = 1;
      paintLinks(pen, [x, y], near.map(frame.toPixels), size + LARGER, colours);
      write(pen, name, [x, y - size - LARGER - NAME_ABOVE], colours);
    },
  };
  sheet(host, painters, signal);
  return host;
}
