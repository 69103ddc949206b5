/** Formatting of numbers, counts, times and lists. */

const THIN_SPACE = "\u202f";

const THOUSANDS = /\B(?=(\d{3})+$)/g;

/**
 * Format a number. Without `Intl`, whose first use delays the first view by some 50 ms.
 *
 * @param {number} value
 * @param {number} [digits] after the decimal point
 */
export function number(value, digits = 0) {
  const [whole, ...fraction] = value.toFixed(digits).split(".");
  return [whole.replace(THOUSANDS, ","), ...fraction].join(".");
}

/**
 * Format a share as a percentage: 0.9553 becomes “95.5 %”.
 *
 * @param {number} share 0–1
 * @param {number} [digits] after the decimal point
 */
export function percent(share, digits = 1) {
  return `${number(share * 100, digits)}${THIN_SPACE}%`;
}

/**
 * Format a probability as a whole percentage; values that would round to 0 or 100 become “< 1 %”
 * and “> 99 %”.
 *
 * @param {number} share 0–1
 */
export function probability(share) {
  if (share > 0 && share < 0.005) return `<${THIN_SPACE}1${THIN_SPACE}%`;
  if (share < 1 && share > 0.995) return `>${THIN_SPACE}99${THIN_SPACE}%`;
  return percent(share, 0);
}

/** Abbreviate a large number: 6,265,399 becomes “6.3 M”. @param {number} value */
export function compactNumber(value) {
  if (value >= 1e6) return `${number(value / 1e6, 1)}${THIN_SPACE}M`;
  if (value >= 1e4) return `${number(value / 1e3)}${THIN_SPACE}k`;
  return number(value);
}

/** Format a duration in seconds, minutes or hours. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${number(seconds)}${THIN_SPACE}s`;
  if (seconds < 5400) return `${number(seconds / 60)}${THIN_SPACE}min`;
  return `${number(seconds / 3600, 1)}${THIN_SPACE}h`;
}

/**
 * Format a count with its noun: “1 image”, “2 images”.
 *
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  const ending = count === 1 ? "" : noun.endsWith("s") ? "es" : "s";
  return `${number(count)} ${noun}${ending}`;
}

/** Return the displayed name of a split. @param {"train" | "validation" | "pool"} split */
export function splitName(split) {
  return split === "train" ? "training" : split;
}

/** Format a time of the service in the time zone of the browser. @param {string} time ISO 8601 */
export function dateTime(time) {
  return new Date(time).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
}

/** Join words: “a, b and c”. @param {readonly string[]} words */
export function joinWords(words) {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
