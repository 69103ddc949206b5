/** Range of typicality, below a histogram of the images. */

import { element, svg } from "../core/dom.js";
import { number } from "../core/format.js";
import { setValue } from "./image-filter.js";

const STEP = 0.05;
const BAR_WIDTH = 5;
const HEIGHT = 32;

/**
 * @param {URLSearchParams} filter changed in place
 * @param {() => void} onChange
 */
export function typicalityRange(filter, onChange) {
  const bars = svg("svg", {
    class: "histogram",
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  const text = element("output", {});
  const least = slider("Typicality from", "typicality_min", "0");
  const most = slider("Typicality to", "typicality_max", "1");
  const group = element(
    "fieldset",
    { class: "range" },
    element("legend", {}, "Typicality: ", text),
    bars,
    least.input,
    most.input,
  );

  /**
   * @param {string} name
   * @param {"typicality_min" | "typicality_max"} parameter
   * @param {string} neutral value without a condition
   */
  function slider(name, parameter, neutral) {
    const input = element("input", {
      type: "range",
      min: 0,
      max: 1,
      step: STEP,
      "aria-label": name,
      input: () => {
        // The other end moves along.
        if (Number(least.input.value) > Number(most.input.value)) {
          for (const each of [least, most]) each.write(input.value);
        }
        for (const each of [least, most]) each.store();
        describe();
        onChange();
      },
    });
    return {
      input,
      read: () => {
        input.value = filter.get(parameter) ?? neutral;
      },
      /** @param {string} value */
      write: (value) => {
        input.value = value;
      },
      store: () =>
        setValue(filter, parameter, Number(input.value) === Number(neutral) ? "" : input.value),
    };
  }

  function describe() {
    const [from, to] = [least, most].map(({ input }) => number(Number(input.value), 2));
    text.textContent = `${from}–${to}`;
  }

  function refresh() {
    least.read();
    most.read();
    describe();
  }

  refresh();
  return {
    element: group,
    refresh,
    /** @param {number[]} counts of equal intervals */
    update(counts) {
      const tallest = Math.max(...counts, 1);
      bars.setAttribute("viewBox", `0 0 ${counts.length * BAR_WIDTH} ${HEIGHT}`);
      bars.replaceChildren(
        ...counts.map((count, index) => {
          const height = (count / tallest) * HEIGHT;
          return svg("rect", {
            x: index * BAR_WIDTH,
            y: HEIGHT - height,
            width: BAR_WIDTH - 1,
            height,
          });
        }),
      );
    },
  };
}
