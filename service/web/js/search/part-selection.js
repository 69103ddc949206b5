/** Selection of a part of an image: a box drawn with the mouse, a finger or the keyboard. */

import { element } from "../core/dom.js";
import { percent } from "../core/format.js";
import { announce } from "../core/status.js";
import { boxBetween, isLargeEnough, MIDDLE, moveBox, resizeBox } from "./box.js";

const STEP = 0.02;
const PAUSE_MILLISECONDS = 400;

const HELP =
  "Draw a box on the image, or drag it and its corners. Keyboard: arrow keys move the box, Shift " +
  "and arrow keys change its size, Escape ends the selection.";

/** Corners as fractions of the box. @type {[number, number][]} */
const CORNERS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
];

/** @type {Record<string, [number, number]>} */
const ARROWS = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

/** @typedef {import("./box.js").Box} Box */
/** @typedef {[number, number]} Point fractions of the image */

/**
 * Create the layer over an image and the button that switches it on.
 *
 * @param {object} options
 * @param {Box | null} options.initial null for the whole image
 * @param {(box: Box | null) => void} options.onChange called when a part was selected
 */
export function partSelection({ initial, onChange }) {
  let box = initial;
  let timer = 0;

  const part = element(
    "div",
    {
      class: "part",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "part of the image",
      "aria-describedby": "part-help",
      keydown: onKey,
    },
    ...CORNERS.map(([x, y]) => element("span", { class: "corner", "data-x": x, "data-y": y })),
  );
  const layer = element("div", { class: "part-layer", pointerdown: onPointerDown }, part);
  const help = element("p", { class: "secondary part-help", id: "part-help" }, HELP);
  const button = element("button", { type: "button", click: toggle }, "Search a part");
  place();
  return { layer, button, help };

  function place() {
    const isOn = box !== null;
    layer.hidden = !isOn;
    help.hidden = !isOn;
    button.setAttribute("aria-pressed", String(isOn));
    if (!box) return;
    for (const side of /** @type {const} */ (["left", "top", "width", "height"])) {
      part.style.setProperty(side, `${100 * box[side]}%`);
    }
    part.setAttribute("aria-label", describe(box));
  }

  function toggle() {
    if (box) return end();
    box = MIDDLE;
    place();
    part.focus();
    onChange(box);
  }

  function end() {
    clearTimeout(timer);
    box = null;
    place();
    button.focus();
    onChange(null);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const { key, shiftKey } = event;
    if (key === "Escape") end();
    else if (key in ARROWS && box) {
      const [x, y] = ARROWS[key];
      box = shiftKey ? resizeBox(box, x, y) : moveBox(box, x, y);
      place();
      changeSoon();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Search when the keys rest. */
  function changeSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!box || !layer.isConnected) return;
      announce(describe(box));
      onChange(box);
    }, PAUSE_MILLISECONDS);
  }

  /** @param {PointerEvent} event */
  function onPointerDown(event) {
    if (!box || event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    const before = box;
    const start = pointOf(event);
    const change = gesture(event.target, before, start);
    layer.setPointerCapture(event.pointerId);

    /** @param {PointerEvent} moved */
    function onMove(moved) {
      const next = change(pointOf(moved));
      if (!isLargeEnough(next)) return;
      box = next;
      place();
    }

    /** @param {PointerEvent} ended */
    function onEnd(ended) {
      for (const [name, listener] of listeners) layer.removeEventListener(name, listener);
      if (ended.type === "pointercancel") box = before;
      place();
      part.focus({ preventScroll: true });
      if (box !== before) onChange(box);
    }

    const listeners = /** @type {[string, any][]} */ ([
      ["pointermove", onMove],
      ["pointerup", onEnd],
      ["pointercancel", onEnd],
    ]);
    for (const [name, listener] of listeners) layer.addEventListener(name, listener);
  }

  /**
   * Return the function from a position of the pointer to the box: a corner or the box is dragged,
   * or another box is drawn.
   *
   * @param {EventTarget | null} target
   * @param {Box} before
   * @param {Point} start
   * @returns {(point: Point) => Box}
   */
  function gesture(target, before, start) {
    if (target === part) {
      return ([x, y]) => moveBox(before, x - start[0], y - start[1]);
    }
    const { x, y } = target instanceof HTMLElement ? target.dataset : {};
    if (x === undefined) return (point) => boxBetween(start, point);
    /** @type {Point} */
    const opposite = [
      before.left + (1 - Number(x)) * before.width,
      before.top + (1 - Number(y)) * before.height,
    ];
    return (point) => boxBetween(opposite, point);
  }

  /** @param {PointerEvent} event @returns {Point} */
  function pointOf({ clientX, clientY }) {
    const { left, top, width, height } = layer.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }
}

/** @param {Box} box */
function describe({ left, top, width, height }) {
  return (
    `Part of the image: ${percent(width, 0)} of the width from ${percent(left, 0)}, ` +
    `${percent(height, 0)} of the height from ${percent(top, 0)}`
  );
}
