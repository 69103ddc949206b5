/** Keyboard navigation between points. */

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./projection.js").Pixels} Pixels
 */

/**
 * Return the nearest point within 45° of a direction. Sideways distance counts twice.
 *
 * @param {Pixels} direction unit vector along an axis
 * @param {MapPoint[]} points
 * @param {(point: MapPoint) => Pixels} toPixels
 * @param {Pixels} origin
 * @returns {MapPoint | null} null if there is no point in that direction
 */
export function nearestInDirection([x, y], points, toPixels, [left, top]) {
  let nearest = null;
  let least = Infinity;
  for (const point of points) {
    const pixels = toPixels(point);
    const [dx, dy] = [pixels[0] - left, pixels[1] - top];
    const ahead = dx * x + dy * y;
    const aside = Math.abs(dx * y) + Math.abs(dy * x);
    if (ahead > 0.5 && aside <= ahead && ahead + 2 * aside < least) {
      nearest = point;
      least = ahead + 2 * aside;
    }
  }
  return nearest;
}
