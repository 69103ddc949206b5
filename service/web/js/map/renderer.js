/** Drawing of points, rings, texts and links on a canvas. */

import { classStyle, COLOURS } from "../core/classes.js";
import { SYMBOLS } from "../core/symbols.js";
import { isMisclassified, isNewToModel } from "./points.js";

/**
 * @typedef {import("./points.js").MapPoint} MapPoint
 * @typedef {import("./points.js").MapPosition} MapPosition
 * @typedef {import("./projection.js").Pixels} Pixels
 * @typedef {import("./canvas-layer.js").Context} Context
 *
 * @typedef {object} Scene
 * @property {MapPoint[]} points in a random order
 * @property {(position: MapPosition) => Pixels} toPixels
 * @property {number} radius of a point in pixels
 * @property {Colours} colours
 *
 * @typedef {object} Colours
 * @property {string} text
 * @property {string} background
 * @property {string} accent
 * @property {string[]} classes by number; the last one is that of no class
 */

const MAX_RADIUS = 9;
const POINTS_PER_FRAME = 5000;
const ERROR_RING_WIDTH = 1.8;
const ERROR_RING_GAP = 2;
const SELECTED_RING_WIDTH = 2.5;
const SELECTED_GAP = 1;
const LASSO_OPACITY = 0.12;
// Share of the radius.
const HOLLOW_WIDTH = 0.5;

/** Radius in pixels below which symbols cannot be told apart, so that all points are circles. */
export const MIN_SYMBOL_RADIUS = 3.2;

/**
 * Return the radius of a point in pixels. It shrinks with the density, and grows more slowly than
 * the zoom factor.
 *
 * @param {number} areaPerPoint in square pixels
 * @param {number} zoom
 */
export function pointRadius(areaPerPoint, zoom) {
  const radius = Math.min(Math.max(0.18 * Math.sqrt(areaPerPoint), 1.3), 5);
  return Math.min(radius * zoom ** 0.45, MAX_RADIUS);
}

/**
 * Return the radius of a ring that encloses any symbol.
 *
 * @param {number} radius of the symbol
 * @param {number} gap
 */
export function ringRadius(radius, gap) {
  return 1.3 * radius + gap;
}

/** Read the colours of the style sheet. @param {HTMLElement} host @returns {Colours} */
export function themeColours(host) {
  const style = getComputedStyle(host);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    text: colour("--text"),
    background: colour("--background"),
    accent: colour("--accent"),
    classes: [
      ...Array.from({ length: COLOURS }, (_, index) => colour(`--class-${index}`)),
      colour("--secondary"),
    ],
  };
}

/**
 * Draw points with the colour and symbol of their class; training images that the model has not
 * learned from are hollow. Misclassified images are drawn on top,
 * with a ring in the colour of the predicted class.
 *
 * The points are in a random order, so the first step shows the whole distribution; later steps
 * draw below it, except for misclassified images.
 *
 * @param {Context} ctx
 * @param {Scene} scene
 * @returns {Generator<void>}
 */
export function* drawPoints(ctx, scene) {
  const { points, toPixels, colours } = scene;
  const radius = ringRadius(scene.radius, ERROR_RING_GAP);
  for (let begin = 0; begin < points.length; begin += POINTS_PER_FRAME) {
    if (begin > 0) yield;
    const batch = points.slice(begin, begin + POINTS_PER_FRAME);
    if (begin > 0) ctx.globalCompositeOperation = "destination-over";
    for (const point of batch) if (!isMisclassified(point)) drawPoint(ctx, point, scene);
    ctx.globalCompositeOperation = "source-over";
    for (const point of batch.filter(isMisclassified)) {
      const colour = colours.classes[classStyle(point.predicted).colour];
      drawPoint(ctx, point, scene);
      drawRing(ctx, toPixels(point), radius, colour, ERROR_RING_WIDTH);
    }
  }
}

/**
 * Draw selected points, each in a ring, or a square if it is small, in the colour of the text.
 *
 * @param {Context} ctx
 * @param {Scene} scene
 * @returns {Generator<void>}
 */
export function* drawSelected(ctx, scene) {
  const { points, toPixels, colours } = scene;
  const radius = ringRadius(scene.radius, SELECTED_GAP);
  for (let begin = 0; begin < points.length; begin += POINTS_PER_FRAME) {
    if (begin > 0) yield;
    const batch = points.slice(begin, begin + POINTS_PER_FRAME);
    if (scene.radius < MIN_SYMBOL_RADIUS) {
      // Squares, because thousands of rings would delay the frame after a lasso.
      ctx.fillStyle = colours.text;
      for (const point of batch) {
        const [x, y] = toPixels(point);
        ctx.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
      }
    } else {
      ctx.fillStyle = colours.background;
      for (const point of batch) {
        drawRing(ctx, toPixels(point), radius, colours.text, SELECTED_RING_WIDTH);
        ctx.fill();
      }
    }
    for (const point of batch) drawPoint(ctx, point, scene);
  }
}

/** @param {Context} ctx @param {MapPoint} point @param {Scene} scene */
function drawPoint(ctx, point, { toPixels, radius, colours }) {
  const [x, y] = toPixels(point);
  const { colour, symbol } = classStyle(point.label);
  const isHollow = isNewToModel(point);
  ctx.fillStyle = isHollow ? colours.background : colours.classes[colour];
  ctx.beginPath();
  if (symbol === SYMBOLS[0] || radius < MIN_SYMBOL_RADIUS) {
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
  } else {
    ctx.translate(x, y);
    symbol.draw(ctx, Math.PI * radius ** 2);
    ctx.translate(-x, -y);
  }
  ctx.fill();
  if (!isHollow) return;
  ctx.lineWidth = HOLLOW_WIDTH * radius;
  ctx.strokeStyle = colours.classes[colour];
  ctx.stroke();
}

/**
 * Draw a position and lines from it to others.
 *
 * @param {Context} ctx
 * @param {Pixels} origin
 * @param {Pixels[]} targets
 * @param {number} radius in pixels
 * @param {Colours} colours
 */
export function drawLinks(ctx, origin, targets, radius, colours) {
  ctx.lineWidth = 1;
  ctx.strokeStyle = colours.text;
  for (const target of targets) {
    ctx.beginPath();
    ctx.moveTo(...origin);
    ctx.lineTo(...target);
    ctx.stroke();
  }
  for (const target of targets) drawRing(ctx, target, radius, colours.text);
  ctx.beginPath();
  ctx.arc(...origin, radius, 0, 2 * Math.PI);
  ctx.fillStyle = colours.accent;
  ctx.fill();
  drawRing(ctx, origin, radius, colours.background);
}

/**
 * @param {Context} ctx
 * @param {Pixels} centre
 * @param {number} radius
 * @param {string} colour
 * @param {number} [width]
 */
export function drawRing(ctx, [x, y], radius, colour, width = 2) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.lineWidth = width;
  ctx.strokeStyle = colour;
  ctx.stroke();
}

/**
 * Draw a lasso: a line that is closed by a straight one, and its area.
 *
 * @param {Context} ctx
 * @param {Pixels[]} line
 * @param {Colours} colours
 */
export function drawLasso(ctx, line, colours) {
  ctx.beginPath();
  for (const [x, y] of line) ctx.lineTo(x, y);
  ctx.closePath();
  ctx.globalAlpha = LASSO_OPACITY;
  ctx.fillStyle = colours.text;
  ctx.fill("evenodd");
  ctx.globalAlpha = 1;
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = colours.text;
  ctx.stroke();
}

/**
 * Draw text with an outline that keeps it legible on points.
 *
 * @param {Context} ctx
 * @param {string} text
 * @param {Pixels} centre
 * @param {Colours} colours
 */
export function drawText(ctx, text, [x, y], colours) {
  ctx.font = `600 14px ${getComputedStyle(ctx.canvas).fontFamily}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  ctx.lineWidth = 4;
  ctx.strokeStyle = colours.background;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = colours.text;
  ctx.fillText(text, x, y);
}
