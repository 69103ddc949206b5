/** Addresses of stored photographs: of their views and of their pictures. */

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
  return `/images/${encoded(id)}`;
}

/** @param {string} id */
export function thumbnailOf(id) {
  return `${imageOf(id)}/thumbnail`;
}
