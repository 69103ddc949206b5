/** Files of a drop, paste or file dialog, with their paths; folders are read with all their files. */

/**
 * @typedef {object} FoundFile
 * @property {File} file
 * @property {string} path with slashes, from the chosen or dropped folder on
 */

/**
 * Return the files of a drop or paste. To be called in the event, after which it has no files.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<FoundFile[]>}
 */
export function transferredFiles(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const found = items.map((item) => {
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry) return filesOfEntry(entry);
    return file ? [{ file, path: file.name }] : [];
  });
  return Promise.all(found).then((each) => each.flat());
}

/** Return the files of a file dialog. @param {FileList} files @returns {FoundFile[]} */
export function chosenFiles(files) {
  return [...files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** @param {FileSystemEntry} entry @returns {Promise<FoundFile[]>} */
async function filesOfEntry(entry) {
  if (entry.isFile) {
    const file = await fileOf(/** @type {FileSystemFileEntry} */ (entry));
    return file ? [{ file, path: entry.fullPath.replace(/^\//, "") }] : [];
  }
  const entries = await entriesOf(/** @type {FileSystemDirectoryEntry} */ (entry));
  const found = [];
  // One after the other, because a folder of many folders would exhaust the open files.
  for (const each of entries) found.push(...(await filesOfEntry(each)));
  return found;
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File | null>} null if it is unreadable */
function fileOf(entry) {
  return new Promise((resolve) => {
    entry.file(resolve, () => resolve(null));
  });
}

/** @param {FileSystemDirectoryEntry} folder @returns {Promise<FileSystemEntry[]>} */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    // Each call returns about a hundred entries, the last one none.
    /** @type {FileSystemEntry[]} */
    const entries = await new Promise((resolve) => {
      reader.readEntries(resolve, () => resolve([]));
    });
    if (entries.length === 0) break;
    found.push(...entries);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
