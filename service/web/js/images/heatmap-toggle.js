/** Where the network looked when it was wrong. */

import { element } from "../core/dom.js";
import { remark } from "../core/status.js";
import { heatmapOf } from "../core/urls.js";

/**
 * A switch between a photograph and its heat map.
 *
 * @param {HTMLImageElement} picture shows the photograph
 * @param {string} id of the error
 */
export function heatmapSwitch(picture, id) {
  const heatmap = heatmapOf(id);
  const photograph = picture.getAttribute("src") ?? "";
  const { alt } = picture;
  /** @param {boolean} isOn */
  function turn(isOn) {
    picture.src = isOn ? heatmap : photograph;
    picture.alt = isOn ? `Heat map over ${alt}` : alt;
    button.setAttribute("aria-pressed", String(isOn));
  }
  const button = element(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      title: "What speaks for the prediction glows (Grad-CAM)",
      click: async () => {
        if (button.getAttribute("aria-pressed") === "true") return turn(false);
        if (await arrives(heatmap)) turn(true);
        else remark("The heat map did not arrive; try again in a moment.");
      },
    },
    "Heat map",
  );
  return button;
}

/** Whether a picture can be had. @param {string} address */
function arrives(address) {
  const ahead = element("img", { src: address });
  return ahead.decode().then(
    () => true,
    () => false,
  );
}
