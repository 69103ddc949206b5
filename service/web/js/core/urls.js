/**
 * Addresses of stored photographs: of their views and of their pictures. They are relative to the
 * page, which a reverse proxy may serve below a path.
 */

/**
 * The id in an address: its slashes stay, everything else is percent-encoded.
 *
 * @param {string} id
 */
export function encoded(id) {
  return id.split("/").map(encodeURIComponent).join("/");
}

/** @param {string} id */
export function addressOf(id) {
  return `#/image/${encoded(id)}`;
}

/** @param {string} id */
export function imageOf(id) {
  return `images/${encoded(id)}`;
}

/** @param {string} id */
export function thumbnailOf(id) {
  return `${imageOf(id)}/thumbnail`;
}

/** @param {string} id of an error with a heat map */
export function heatmapOf(id) {
  return `errors/${encoded(id)}/heatmap`;
}

/** The address of a call. @param {string} path with its query, from the service's root */
export function callOf(path) {
  return `.${path}`;
}
