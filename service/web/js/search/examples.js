/** Examples and counter-examples of a search. The browser tab keeps them, the address shows them. */

import { toast } from "../core/status.js";

/**
 * @typedef {"like" | "unlike"} Kind
 *
 * @typedef {object} Examples
 * @property {string[]} like ids of images like those to find
 * @property {string[]} unlike ids of images unlike those to find
 */

/** Maximum number of examples of each kind, as of the service. */
const MOST = 100;

const STORED = "examples";

let examples = storedExamples();

/** Return the examples of this tab. @returns {Examples} */
export function currentExamples() {
  return examples;
}

/** Replace the examples; an `examples` event is dispatched if they differ. @param {Examples} next */
export function setExamples({ like, unlike }) {
  const counter = unique(unlike).filter((id) => !like.includes(id));
  const next = { like: unique(like).slice(0, MOST), unlike: counter.slice(0, MOST) };
  if (JSON.stringify(next) === JSON.stringify(examples)) return;
  examples = next;
  store();
  dispatchEvent(new Event("examples"));
}

/**
 * Add an image to the examples of one kind, or remove it; it leaves those of the other kind.
 *
 * @param {string} id
 * @param {Kind} kind
 */
export function toggleExample(id, kind) {
  const isRemoved = kindOf(id) === kind;
  if (!isRemoved && examples[kind].length >= MOST) {
    toast(`At most ${MOST} images can be chosen. Remove one of them first.`);
    return;
  }
  const rest = removed(id);
  setExamples(isRemoved ? rest : { ...rest, [kind]: [...rest[kind], id] });
}

/** Return the kind of an example; null for other images. @param {string} id */
export function kindOf(id) {
  if (examples.like.includes(id)) return "like";
  return examples.unlike.includes(id) ? "unlike" : null;
}

/** Return the number of examples of both kinds. */
export function countExamples() {
  return examples.like.length + examples.unlike.length;
}

/**
 * Return the URL of a search.
 *
 * @param {Examples} searched
 * @param {URLSearchParams} [others] filters
 */
export function searchUrl({ like, unlike }, others = new URLSearchParams()) {
  const query = new URLSearchParams([
    ...like.map((id) => ["like", id]),
    ...unlike.map((id) => ["unlike", id]),
    ...others,
  ]);
  const text = String(query);
  return text ? `#/search?${text}` : "#/search";
}

/** @param {string} id @returns {Examples} */
function removed(id) {
  const without = (/** @type {string[]} */ ids) => ids.filter((each) => each !== id);
  return { like: without(examples.like), unlike: without(examples.unlike) };
}

/** @param {string[]} ids */
function unique(ids) {
  return [...new Set(ids)];
}

/** @returns {Examples} */
function storedExamples() {
  try {
    const { like, unlike } = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
    return { like: like ?? [], unlike: unlike ?? [] };
  } catch {
    // The storage is blocked or was changed by something else.
    return { like: [], unlike: [] };
  }
}

function store() {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(examples));
  } catch {
    // Without storage, the examples last until the page is closed.
  }
}
