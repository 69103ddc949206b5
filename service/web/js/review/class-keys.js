/** Keys of the classes in the review: a digit for the first ten, and a letter of the name. */

/** Letters of the other actions. */
export const ACTION_KEYS = {
  accept: "a",
  keep: "k",
  none: "n",
  drop: "d",
  skip: "s",
  undo: "u",
  confirm: "y",
};

const DIGITS = "1234567890";

/**
 * @typedef {object} ClassKeys
 * @property {string} label
 * @property {string | undefined} digit
 * @property {string | undefined} letter first free letter of the name
 */

/** @param {string[]} classes @returns {ClassKeys[]} */
export function classKeys(classes) {
  /** @type {Set<string>} */
  const taken = new Set(Object.values(ACTION_KEYS));
  return classes.map((label, index) => {
    const letter = [...label.toLowerCase()].find((each) => /\p{L}/u.test(each) && !taken.has(each));
    if (letter) taken.add(letter);
    return { label, digit: DIGITS[index], letter };
  });
}

/** Return the class of a key, or undefined. @param {ClassKeys[]} classes @param {string} key */
export function classOfKey(classes, key) {
  const small = key.toLowerCase();
  return classes.find(({ digit, letter }) => small === digit || small === letter)?.label;
}
