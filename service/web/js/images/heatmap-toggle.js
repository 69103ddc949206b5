/** Button that switches between an image and its Grad-CAM heat map. */

import { element } from "../core/dom.js";
import { toast } from "../core/status.js";
import { heatmapUrl } from "../core/urls.js";

/**
 * @param {HTMLImageElement} image
 * @param {string} id of a misclassified image
 */
export function heatmapToggle(image, id) {
  const heatmap = heatmapUrl(id);
  const original = image.getAttribute("src") ?? "";
  const { alt } = image;
  /** @param {boolean} isOn */
  function setHeatmap(isOn) {
    image.src = isOn ? heatmap : original;
    image.alt = isOn ? `Heat map over ${alt}` : alt;
    button.setAttribute("aria-pressed", String(isOn));
  }
  const button = element(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      title: "Highlight the image regions that support the prediction (Grad-CAM)",
      click: async () => {
        if (button.getAttribute("aria-pressed") === "true") return setHeatmap(false);
        if (await canLoad(heatmap)) setHeatmap(true);
        else toast("The heat map could not be loaded. Try again later.");
      },
    },
    "Heat map",
  );
  return button;
}

/** Load an image and return whether that succeeded. @param {string} url */
function canLoad(url) {
  const image = element("img", { src: url });
  return image.decode().then(
    () => true,
    () => false,
  );
}
