/** From point to point with the arrow keys. */

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./projection.js").Place} Place
 */

/**
 * The next point in a direction: near, and more ahead than aside.
 *
 * @param {Place} direction one step to a side
 * @param {MapPoint[]} points
 * @param {(point: MapPoint) => Place} placeOf
 * @param {Place} here
 * @returns {MapPoint | null} null where nothing lies there
 */
export function nextTowards([x, y], points, placeOf, [left, top]) {
  let best = null;
  let least = Infinity;
  for (const point of points) {
    const place = placeOf(point);
    const [dx, dy] = [place[0] - left, place[1] - top];
    const ahead = dx * x + dy * y;
    const aside = Math.abs(dx * y) + Math.abs(dy * x);
    if (ahead > 0.5 && aside <= ahead && ahead + 2 * aside < least) {
      best = point;
      least = ahead + 2 * aside;
    }
  }
  return best;
}
