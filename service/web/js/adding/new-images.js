/** Images to add: their ids and labels, from the paths of their files. */

import { allClasses } from "../core/classes.js";

// The extensions that `belvedere add` reads.
const EXTENSION = /\.(?:jpe?g|jpe|jif|jfif|jfi|png|webp|avif|heic|heif|hif)$/i;

/**
 * @typedef {import("./files.js").FoundFile} FoundFile
 *
 * @typedef {object} NewImage
 * @property {File | null} file null after a reload of the page
 * @property {string} path
 * @property {string} id
 * @property {string | null} label
 *
 * @typedef {(path: string) => string | null} Labelling returns the label of a path
 */

/** Return whether a file is named like an image; hidden files are left out. @param {FoundFile} found */
export function isNamedAsImage({ path }) {
  const isHidden = path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");
  return !isHidden && EXTENSION.test(path);
}

/**
 * Return the function that finds the label in the folders of a path: the first folder that is a
 * class of the collection, or else the first folder below the one that contains all files.
 *
 * @param {string[]} paths
 * @returns {Labelling}
 */
export function folderLabelling(paths) {
  const classes = new Set(allClasses());
  const folders = paths.map(foldersOf);
  const [first] = folders[0] ?? [];
  const hasRoot = folders.every((each) => each.length > 1 && each[0] === first);
  return (path) => {
    const own = foldersOf(path);
    return own.find((each) => classes.has(each)) ?? own[hasRoot ? 1 : 0] ?? null;
  };
}

/** @param {string} path */
function foldersOf(path) {
  return path.split("/").slice(0, -1);
}

/**
 * Give each file an id and a label. The id is the path without the extension; an id that is taken
 * gets another ending, so that no stored image is replaced.
 *
 * @param {FoundFile[]} files
 * @param {Labelling} labelOf
 * @param {Iterable<string>} taken ids of the stored images
 * @returns {NewImage[]}
 */
export function newImages(files, labelOf, taken) {
  const used = new Set(taken);
  return files.map(({ file, path }) => {
    const [extension] = EXTENSION.exec(path) ?? [""];
    const name = path.slice(0, path.length - extension.length).normalize("NFC");
    let id = used.has(name) ? name + extension : name;
    while (used.has(id)) id += "_";
    used.add(id);
    return { file, path, id, label: labelOf(path) };
  });
}

/**
 * Count images by label, most frequent first.
 *
 * @param {string[]} paths
 * @param {Labelling} labelOf
 * @returns {[string | null, number][]}
 */
export function countLabels(paths, labelOf) {
  /** @type {Map<string | null, number>} */
  const counts = new Map();
  for (const path of paths) {
    const label = labelOf(path);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}
