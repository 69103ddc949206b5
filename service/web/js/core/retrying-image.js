/** Pictures of photographs: what is turned away while the service is busy is asked for again. */

import { element } from "./dom.js";

const SECONDS = [1, 2, 4];

/**
 * A picture; its alternative text is shown where it cannot be had after all.
 *
 * @param {string} source
 * @param {string} alt
 * @param {Record<string, unknown>} [more] attributes
 */
export function picture(source, alt, more) {
  const image = element("img", { src: source, alt, ...more });
  const pauses = SECONDS.values();
  image.addEventListener("error", () => {
    const failed = image.getAttribute("src") ?? "";
    const { value: seconds, done } = pauses.next();
    if (done) return;
    setTimeout(() => {
      if (image.isConnected && image.getAttribute("src") === failed) image.src = failed;
    }, seconds * 1000);
  });
  return image;
}
