/** Small map that shows the position of one image and its neighbours. */

import { ApiError } from "../core/api-error.js";
import { element } from "../core/dom.js";
import { joinWords } from "../core/format.js";
import { canvasLayer } from "./canvas-layer.js";
import { loadPoints } from "./points.js";
import { projection } from "./projection.js";
import { drawLinks, drawPoints, drawText, pointRadius, themeColours } from "./renderer.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./points.js").MapPosition} MapPosition
 *
 * @typedef {object} Subject
 * @property {string} name
 * @property {MapPosition} position
 * @property {MapPoint[]} neighbours
 */

// Opacity of the layer that dims all points behind the lines.
const DIMMING = 0.6;
const EXTRA_RADIUS = 4;
const NAME_OFFSET = 12;

/**
 * Create a map of one image; return null if the map is not available, because it is optional.
 *
 * @param {string} name of the image, shown on the map
 * @param {(points: MapPoint[]) => MapPosition | undefined} findPosition
 * @param {string[]} neighbours ids
 * @param {AbortSignal} signal
 * @returns {Promise<HTMLElement | null>}
 */
export async function minimap(name, findPosition, neighbours, signal) {
  let points;
  try {
    points = await loadPoints({ mayPrompt: false });
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
  const position = findPosition(points);
  if (!position || signal.aborted) return null;
  const near = points.filter((point) => neighbours.includes(point.id));
  return element(
    "div",
    {},
    drawing(points, { name, position, neighbours: near }, signal),
    element(
      "p",
      { class: "secondary" },
      "Lines connect the image to its three nearest neighbours. ",
      "The map has only two dimensions, so neighbours can appear far apart.",
    ),
  );
}

/** @param {MapPoint[]} points @param {Subject} subject @param {AbortSignal} signal */
function drawing(points, { name, position, neighbours }, signal) {
  const labels = joinWords(neighbours.map(({ label }) => label));
  const host = element("div", {
    class: "canvas-host small",
    role: "img",
    "aria-label": `Map with lines from ${name} to its nearest neighbours: ${labels}`,
  });
  let projected = projection(points, 1, 1);
  let radius = 0;
  const layers = {
    /** @param {number} width @param {number} height */
    resize(width, height) {
      projected = projection(points, width, height);
      radius = pointRadius((width * height) / points.length, 1);
    },
    /** @param {import("./canvas-layer.js").Context} ctx */
    drawBackground(ctx) {
      const { toPixels } = projected;
      return drawPoints(ctx, { points, toPixels, radius, colours: themeColours(host) });
    },
    /** @param {import("./canvas-layer.js").Context} ctx */
    drawOverlay(ctx) {
      const colours = themeColours(host);
      const [x, y] = projected.toPixels(position);
      ctx.globalAlpha = DIMMING;
      ctx.fillStyle = colours.background;
      ctx.fillRect(0, 0, host.clientWidth, host.clientHeight);
      ctx.globalAlpha = 1;
      drawLinks(ctx, [x, y], neighbours.map(projected.toPixels), radius + EXTRA_RADIUS, colours);
      drawText(ctx, name, [x, y - radius - EXTRA_RADIUS - NAME_OFFSET], colours);
    },
  };
  canvasLayer(host, layers, signal);
  return host;
}
