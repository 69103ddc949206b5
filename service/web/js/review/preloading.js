/** Images that are decoded before they are shown, so that the next item appears at once. */

const MAX_KEPT = 40;

/** Newest last. @type {Map<string, HTMLImageElement>} */
const images = new Map();

/** Load and decode images; the last ones are kept. @param {string[]} urls */
export function preload(urls) {
  for (const url of urls) {
    const image = images.get(url) ?? load(url);
    images.delete(url);
    images.set(url, image);
  }
  for (const url of [...images.keys()].slice(0, -MAX_KEPT)) images.delete(url);
}

/** @param {string} url */
function load(url) {
  const image = new Image();
  image.src = url;
  // A failure is shown when the image itself is shown.
  image.decode().catch(() => images.delete(url));
  return image;
}
