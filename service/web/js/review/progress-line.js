/** Numbers of images that are decided, skipped and left. */

import { element } from "../core/dom.js";
import { number, plural } from "../core/format.js";
import { outboxState } from "./outbox.js";

/** @param {string} noun of an item */
export function progressLine(noun) {
  const text = element("span", {});
  const bar = element("progress", { "aria-label": "Decided so far" });
  return {
    element: element("p", { class: "review-progress" }, bar, text),
    /** @param {{ decided: number, skipped: number, left: number }} counts */
    update({ decided, skipped, left }) {
      bar.max = Math.max(decided + left, 1);
      bar.value = decided;
      const skippedText = skipped > 0 ? `, ${number(skipped)} skipped` : "";
      const { count } = outboxState();
      const savedText = count > 0 ? ` (${number(count)} being saved)` : "";
      text.textContent =
        `${plural(left, noun)} left, ${number(decided)} decided` + savedText + skippedText;
    },
  };
}
