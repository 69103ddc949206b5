/** Numbers and counts as people read them. */

const THIN = "\u202f";

/** @param {number} value @param {number} [digits] */
function fixed(value, digits = 0) {
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/**
 * A share as a percentage: 0.9553 is “95.5 %”.
 *
 * @param {number} share 0–1
 * @param {number} [digits] behind the point
 */
export function percent(share, digits = 1) {
  return `${fixed(share * 100, digits)}${THIN}%`;
}

/**
 * A probability: whole percents, and what rounds to nothing or everything is said to be near it.
 *
 * @param {number} share 0–1
 */
export function likelihood(share) {
  if (share > 0 && share < 0.005) return `<${THIN}1${THIN}%`;
  if (share < 1 && share > 0.995) return `>${THIN}99${THIN}%`;
  return percent(share, 0);
}

/** @param {number} value @param {number} [digits] behind the point */
export function number(value, digits = 0) {
  return fixed(value, digits);
}

/** A large number, shortened: 6,265,399 is “6.3 M”. @param {number} value */
export function short(value) {
  if (value >= 1e6) return `${fixed(value / 1e6, 1)}${THIN}M`;
  if (value >= 1e4) return `${fixed(value / 1e3)}${THIN}k`;
  return fixed(value);
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${fixed(seconds)}${THIN}s`;
  if (seconds < 5400) return `${fixed(seconds / 60)}${THIN}min`;
  return `${fixed(seconds / 3600, 1)}${THIN}h`;
}

/** @param {number} count @param {string} noun */
export function plural(count, noun) {
  return `${fixed(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A side of the split in words. @param {"train" | "validation"} split */
export function splitName(split) {
  return split === "train" ? "training" : "validation";
}

/** “a, b and c”. @param {readonly string[]} words */
export function enumeration(words) {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
