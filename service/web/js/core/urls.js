/**
 * URLs of views, images and API endpoints. All are relative to the page, because a reverse proxy
 * may serve it under a path prefix.
 */

/**
 * Percent-encode an id for use in a path; slashes stay.
 *
 * @param {string} id
 */
export function encodeId(id) {
  return id.split("/").map(encodeURIComponent).join("/");
}

/**
 * Return the URL of the view of an image.
 *
 * @param {string} id
 * @param {string | null} [box] selected part, `x,y,w,h`
 */
export function imageViewUrl(id, box = null) {
  return `#/image/${encodeId(id)}${box ? `?box=${box}` : ""}`;
}

/** @param {string} name */
export function experimentUrl(name) {
  return `#/experiments/${encodeId(name)}`;
}

/**
 * Return the URL of the misclassifications of one kind.
 *
 * @param {string} label
 * @param {string} predicted
 */
export function misclassificationsUrl(label, predicted) {
  return `#/errors?${new URLSearchParams({ label, predicted })}`;
}

/** Return the URL of the map of a saved selection. @param {string} name */
export function selectionMapUrl(name) {
  return `#/map?${new URLSearchParams({ selection: name })}`;
}

/** @param {string} id */
export function imageUrl(id) {
  return `images/${encodeId(id)}`;
}

/** @param {string} id */
export function thumbnailUrl(id) {
  return `${imageUrl(id)}/thumbnail`;
}

/** @param {string} id of a misclassified image with a heat map */
export function heatmapUrl(id) {
  return `errors/${encodeId(id)}/heatmap`;
}

/**
 * Return the URL of an API endpoint.
 *
 * @param {string} path from the root of the service, with query
 */
export function apiUrl(path) {
  return `.${path}`;
}
