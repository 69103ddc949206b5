/** A small map with one place on it and those of its neighbours. */

import { addressOf } from "./addresses.js";
import { element } from "./element.js";
import { allPoints } from "./points.js";
import { scatter } from "./scatter.js";
import { Problem } from "./service.js";

/**
 * Where something lies on the map; null where the map cannot be had, since it is only an extra.
 *
 * @param {string} name of what lies there
 * @param {(points: import("./points.js").MapPoint[]) => { x: number, y: number } | undefined} find
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
  const place = find(points);
  if (!place) return null;
  const near = points.filter((point) => neighbours.includes(point.id));
  const marks = [place, ...near].map(({ x, y }) => ({ x, y, name }));
  const sheet = element("div", { class: "sheet small" });
  const open = (/** @type {{ id: string }} */ { id }) => {
    location.hash = addressOf(id);
  };
  // It needs a size before it can be drawn.
  requestAnimationFrame(() => scatter(sheet, points, { open }, { marks, isFixed: true, signal }));
  return element(
    "section",
    { class: "locator" },
    element("h2", {}, "Its place on the map"),
    sheet,
    element(
      "p",
      { class: "quiet" },
      "Lines lead to the three nearest; the map is flat, so they may lie apart.",
    ),
  );
}
