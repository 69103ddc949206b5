"""Atomic writes of files and folders: write a draft, flush it to disk, rename it."""

import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

DRAFT_PREFIX = ".draft-"
"""Name prefix of unfinished files and folders, the only ones that a killed process leaves."""

_REPLACED = ".replaced"

_FLUSHES = 8
"""Files that are flushed at the same time."""


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield a draft path; the file written there replaces `target` if the block succeeds.

    Creates the folder of `target` if it is missing.
    """
    with _draft_beside(target) as draft:
        yield draft
        _flush(draft)
        draft.replace(target)
    _flush(target.parent)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield an empty draft folder, which replaces `target` if the block succeeds.

    An existing `target` is moved into the draft first. If the process is killed between the two
    renames, `clear_drafts` restores it.
    """
    with _draft_beside(target) as draft:
        draft.mkdir()
        yield draft
        flush_folder(draft)
        if target.exists() or target.is_symlink():
            _set_aside(target, draft)
        draft.rename(target)
    _flush(target.parent)


def atomic_symlink(target: Path, destination: str) -> None:
    """Make `target` a symbolic link to `destination`, replacing a link, file or folder.

    If the process is killed before a replaced folder is deleted and the link exists,
    `clear_drafts` restores the folder.
    """
    with _draft_beside(target) as draft:
        draft.symlink_to(destination)
        if target.is_dir() and not target.is_symlink():
            _set_aside(target, draft)
        draft.replace(target)
    _flush(target.parent)


def atomic_write(target: Path, content: bytes | str) -> None:
    """Write `target` atomically; text is encoded as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_file(target) as draft:
        draft.write_bytes(data)


def clear_drafts(folder: Path) -> None:
    """Delete the drafts of killed processes in a folder and restore folders moved into them.

    The caller must hold the lock: a draft of a running process would be deleted as well.
    """
    for leftover in folder.glob(f"{DRAFT_PREFIX}*"):
        for replaced in leftover.glob(f"{_REPLACED}/*"):
            if not (folder / replaced.name).exists():
                replaced.rename(folder / replaced.name)
        shutil.rmtree(leftover, ignore_errors=True)


def delete_whole(path: Path) -> None:
    """Delete a file or folder; what a kill leaves is a draft, which `clear_drafts` deletes."""
    draft = path.with_name(f"{DRAFT_PREFIX}{path.stem}")
    shutil.rmtree(draft, ignore_errors=True)
    path.rename(draft)
    if draft.is_dir():
        shutil.rmtree(draft)
    else:
        draft.unlink()


def flush_folder(folder: Path) -> None:
    """Flush a folder to disk with all its files and folders."""
    for place, _, names in os.walk(folder):
        flush_files([*(Path(place, name) for name in names), Path(place)])


def flush_files(paths: Iterable[Path]) -> None:
    """Flush files and folders to disk at the same time; missing ones are left out."""
    # File systems join the flushes of several threads.
    with ThreadPoolExecutor(_FLUSHES) as pool:
        list(pool.map(_flush_if_present, paths))


@contextmanager
def _draft_beside(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=DRAFT_PREFIX, dir=target.parent) as temporary:
        yield Path(temporary) / target.name


def _set_aside(target: Path, draft: Path) -> None:
    replaced = draft.parent / _REPLACED
    replaced.mkdir()
    target.rename(replaced / target.name)


def _flush_if_present(path: Path) -> None:
    with suppress(FileNotFoundError):
        _flush(path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
