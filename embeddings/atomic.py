"""Atomic writes: a file or folder is written aside, flushed to disk, then renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

DRAFT_PREFIX = ".draft-"
"""Prefix of every unfinished file or folder; a killed process leaves only such names behind."""

_REPLACED = ".replaced"


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Give a path to write to; the file there replaces `target` when the block ends without error.

    The folder of `target` is made where it is missing.
    """
    with _draft_beside(target) as draft:
        yield draft
        _flush(draft)
        draft.replace(target)
    _flush(target.parent)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder; it takes the place of `target` when the block ends without error.

    A folder that stands at `target` is renamed into the draft first. If the process is killed
    between the two renames, `clear_drafts` puts it back.
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
    """Make `target` a symbolic link to `destination`, whatever stands there before.

    A real folder is deleted; if the process is killed in between, `clear_drafts` puts it back.
    """
    with _draft_beside(target) as draft:
        draft.symlink_to(destination)
        if target.is_dir() and not target.is_symlink():
            _set_aside(target, draft)
        draft.replace(target)
    _flush(target.parent)


def atomic_write(target: Path, content: bytes | str) -> None:
    """Write `target` whole; text is encoded as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    with atomic_file(target) as draft:
        draft.write_bytes(data)


def clear_drafts(folder: Path) -> None:
    """Delete the drafts that killed processes left in a folder.

    Call it only while no other process can write there.
    """
    for leftover in folder.glob(f"{DRAFT_PREFIX}*"):
        for replaced in leftover.glob(f"{_REPLACED}/*"):
            if not (folder / replaced.name).exists():
                replaced.rename(folder / replaced.name)
        shutil.rmtree(leftover, ignore_errors=True)


def flush_folder(folder: Path) -> None:
    """Flush every file of a folder to disk, then the folders."""
    for path in folder.rglob("*"):
        _flush(path)
    _flush(folder)


@contextmanager
def _draft_beside(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=DRAFT_PREFIX, dir=target.parent) as temporary:
        yield Path(temporary) / target.name


def _set_aside(target: Path, draft: Path) -> None:
    replaced = draft.parent / _REPLACED
    replaced.mkdir()
    target.rename(replaced / target.name)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
