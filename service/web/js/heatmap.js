/** Where the network looked when it was wrong. */

import { encoded, imageOf } from "./addresses.js";
import { element } from "./element.js";
import { remark } from "./states.js";

/**
 * A switch between a photograph and its heat map.
 *
 * @param {HTMLImageElement} picture shows the photograph
 * @param {string} id of an error
 */
export function heatmapSwitch(picture, id) {
  const button = element(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      title: "What speaks for the prediction glows (Grad-CAM)",
      click: () => {
        const isOn = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(isOn));
        picture.src = isOn ? `/errors/${encoded(id)}/heatmap` : imageOf(id);
      },
    },
    "Heat map",
  );
  picture.addEventListener("error", () => {
    if (button.getAttribute("aria-pressed") === "false") return;
    button.setAttribute("aria-pressed", "false");
    button.disabled = true;
    picture.src = imageOf(id);
    remark("The release has no heat map of this photograph, or the service is busy.");
  });
  return button;
}
