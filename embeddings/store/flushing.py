"""Flushing of tables to disk, which Lance does not do: the files that the last commits wrote."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import lance
from lance import FragmentMetadata, LanceOperation

from embeddings.atomic import flush_files, flush_folder
from embeddings.settings import is_remote

_FIRST_COMMITS = 3
"""Commits flushed by the first flush of a process: another was killed before its own flush."""

_LAST_VERSION = 2**64 - 1
_MANIFEST_END = b"LANC"

_flushed: dict[str, int] = {}
"""Version of each table that this process flushed last."""


def flush_new_table(path: str) -> None:
    """Flush a created table on a local disk, with its entry in the folder of the store."""
    if not is_remote(path):
        flush_folder(Path(path))
        flush_files([Path(path).parent])
        _flushed.pop(path, None)


def flush_tags(path: str) -> None:
    """Flush the tags of a table on a local disk."""
    if not is_remote(path):
        flush_folder(Path(path, "_refs"))
        flush_files([Path(path)])


def flush_table(path: str) -> None:
    """Flush the last commits of a table on a local disk.

    The files are named by the transactions, so that the cost does not depend on the number of
    versions. Lance can commit a version with a file that a full disk cut off: such a version is
    removed. Raises `OSError`, then with the number of a full disk.
    """
    if is_remote(path):
        return
    table = Path(path)
    dataset = _opened(table)
    newest = int(dataset.version)
    first = max(newest - _FIRST_COMMITS, 0)
    flushed = _flushed.get(path, first)
    sizes = {
        table / name: size
        for version in range(flushed if flushed <= newest else first, newest)
        for name, size in _files(dataset, version + 1)
    }
    for file, size in sizes.items():
        if size is not None and file.exists() and file.stat().st_size < size:
            _remove_newest(table, newest)
            raise _full(file)
    files = {*sizes}
    folders = {file.parent for file in files}
    flush_files([*files, *folders, table, table / "_versions/latest_version_hint.json"])
    _flushed[path] = newest


def _opened(table: Path) -> lance.LanceDataset:
    """Open the newest version; remove it if its manifest was cut off."""
    try:
        return lance.dataset(str(table))
    except (OSError, ValueError):
        manifests = sorted((table / "_versions").glob("*.manifest"))
        if manifests and not manifests[0].read_bytes().endswith(_MANIFEST_END):
            _remove_newest(table, _LAST_VERSION - int(manifests[0].stem))
            raise _full(manifests[0]) from None
        raise


def _remove_newest(table: Path, version: int) -> None:
    """Remove the newest version, so that the table has the content before the failed commit."""
    (table / _manifest(version)).unlink(missing_ok=True)
    flush_files([table / "_versions"])


def _full(file: Path) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))


def _manifest(version: int) -> str:
    return f"_versions/{_LAST_VERSION - version:020d}.manifest"


def _files(dataset: lance.LanceDataset, version: int) -> Iterator[tuple[str, int | None]]:
    """Yield the files that the commit of a version wrote, relative to the table, and their sizes.

    The size in bytes is None if it is not recorded.
    """
    try:
        transaction = dataset.read_transaction(version)
    except (OSError, ValueError):
        transaction = None
    if transaction is None:
        # The version was cleaned up, so that its files are flushed or unused.
        return
    yield _manifest(version), None
    yield f"_transactions/{transaction.read_version}-{transaction.uuid}.txn", None
    for fragment in _written(transaction.operation):
        yield from ((f"data/{file.path}", file.file_size_bytes) for file in fragment.files)
        if fragment.deletion_file is not None:
            yield fragment.deletion_file.path(fragment.id), None


def _written(operation: LanceOperation.BaseOperation) -> Iterator[FragmentMetadata]:
    """Yield the fragments with files written by an operation."""
    match operation:
        case LanceOperation.Append() | LanceOperation.Overwrite():
            yield from operation.fragments
        case LanceOperation.Delete():
            yield from operation.updated_fragments
        case LanceOperation.Update():
            yield from operation.new_fragments
            yield from operation.updated_fragments
        case LanceOperation.Rewrite():
            for group in operation.groups:
                yield from group.new_fragments
        case _:
            # Tables have no other changes of rows.
            return
