/**
 * Filter of images: the query parameters that the API and the addresses of views share. An image
 * matches several names if it matches each, and several values of a name if it has any of them.
 */

/**
 * Names of the parameters.
 *
 * @typedef {"label" | "labelled" | "predicted" | "split" | "tag" | "not_tag" | "camera"
 *   | "photographer" | "taken_from" | "taken_to" | "typicality_min" | "typicality_max" | "wrong"
 *   | "uncertain" | "learned" | "reviewed" | "selection"} FilterName
 */

/** @type {FilterName[]} */
export const FILTER_NAMES = [
  "label",
  "labelled",
  "predicted",
  "split",
  "tag",
  "not_tag",
  "camera",
  "photographer",
  "taken_from",
  "taken_to",
  "typicality_min",
  "typicality_max",
  "wrong",
  "uncertain",
  "learned",
  "reviewed",
  "selection",
];

/** Names of the conditions on properties. */
export const FLAG_TEXTS = {
  wrong: { true: "Only errors", false: "Only right predictions" },
  uncertain: { true: "Only uncertain", false: "Only certain" },
  labelled: { true: "Only with label", false: "Only without label" },
  learned: { true: "Only learned", false: "Only new to the model" },
  reviewed: { true: "Only reviewed", false: "Only not reviewed" },
};

const REPEATED = ["label", "predicted", "split", "tag", "not_tag", "camera", "photographer"];
const DATES = ["taken_from", "taken_to"];

/** Return the filter in the query of an address. @param {URLSearchParams} query */
export function parseFilter(query) {
  const filter = new URLSearchParams(
    [...query].filter(([name]) => FILTER_NAMES.some((known) => known === name)),
  );
  // Earlier addresses of the map named misclassified images so.
  if (query.has("errors")) filter.set("wrong", "true");
  return filter;
}

/** Return an address with a filter. @param {string} path @param {URLSearchParams} filter */
export function filteredUrl(path, filter) {
  const text = String(filter);
  return text ? `${path}?${text}` : path;
}

/**
 * Split a filter: the names that a view can evaluate itself, and the others.
 *
 * @param {URLSearchParams} filter
 * @param {readonly FilterName[]} names
 */
export function splitFilter(filter, names) {
  const isOwn = (/** @type {[string, string]} */ [name]) => names.some((each) => each === name);
  return {
    own: new URLSearchParams([...filter].filter(isOwn)),
    others: new URLSearchParams([...filter].filter((each) => !isOwn(each))),
  };
}

/**
 * Add a value of a name, or remove it if it is there.
 *
 * @param {URLSearchParams} filter
 * @param {FilterName} name
 * @param {string} value
 * @returns {boolean} whether it is there now
 */
export function toggleValue(filter, name, value) {
  const before = filter.getAll(name);
  const after = before.filter((each) => each !== value);
  if (after.length === before.length) after.push(value);
  filter.delete(name);
  for (const each of after) filter.append(name, each);
  return after.includes(value);
}

/**
 * Set the only value of a name.
 *
 * @param {URLSearchParams} filter
 * @param {FilterName} name
 * @param {string} value empty for no condition
 */
export function setValue(filter, name, value) {
  if (value === "") filter.delete(name);
  else filter.set(name, value);
}

/** Return a filter as the object that a live selection is saved with. @param {URLSearchParams} filter */
export function filterObject(filter) {
  return Object.fromEntries(
    [...new Set(filter.keys())].map((name) => {
      if (REPEATED.includes(name)) return [name, filter.getAll(name)];
      const value = filter.get(name) ?? "";
      // The others are flags and numbers.
      return [name, DATES.includes(name) ? value : JSON.parse(value)];
    }),
  );
}

/**
 * Return the filter of an object, such as that of a live selection.
 *
 * @param {Record<string, unknown>} conditions
 */
export function filterOf(conditions) {
  return new URLSearchParams(
    Object.entries(conditions).flatMap(([name, value]) =>
      [value].flat().map((each) => [name, String(each)]),
    ),
  );
}

/** Return the conditions as a text: “label: lake, only errors”. @param {URLSearchParams} filter */
export function filterText(filter) {
  return [...filter].map(([name, value]) => conditionText(name, value)).join(", ");
}

/** Return one condition as a text. @param {string} name @param {string} value */
export function conditionText(name, value) {
  const flag = Object.entries(FLAG_TEXTS).find(([known]) => known === name)?.[1];
  const text = value === "true" || value === "false" ? flag?.[value] : undefined;
  return text?.toLowerCase() ?? `${name.replaceAll("_", " ")}: ${value}`;
}
