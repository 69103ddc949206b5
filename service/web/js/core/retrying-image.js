/** `img` elements that retry when the busy service rejects the request. */

import { element } from "./dom.js";

const RETRY_SECONDS = [1, 2, 4];

/**
 * Create an image; its alternative text is shown if all attempts fail.
 *
 * @param {string} source
 * @param {string} alt
 * @param {Record<string, unknown>} [attributes]
 */
export function retryingImage(source, alt, attributes) {
  const image = element("img", { src: source, alt, ...attributes });
  const delays = RETRY_SECONDS.values();
  image.addEventListener("error", () => {
    const failed = image.getAttribute("src") ?? "";
    const { value: seconds, done } = delays.next();
    if (done) return;
    setTimeout(() => {
      if (image.isConnected && image.getAttribute("src") === failed) image.src = failed;
    }, seconds * 1000);
  });
  return image;
}
