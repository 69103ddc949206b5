"""Exclusive locks of a home and of a store for writing; drafts of killed processes."""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from embeddings.atomic import DRAFT_PREFIX, clear_drafts
from embeddings.errors import HomeError, explain_os_error

LOCK = ".lock"

_FOLDERS = (
    "cache",
    "downloads",
    "downloads/licenses",
    "releases",
    "runs",
    "runs/*",
    "store/features",
)
"""Folders of a home, besides the home itself, in which drafts are written."""

_FORMER_DRAFTS = (
    ".decoding-*", ".running-*", ".features-*", ".exporting-*", ".quantizing-*", ".download-*",
    ".publishing-*",
)  # fmt: skip
"""Names of the drafts of earlier versions."""


@contextmanager
def home_lock(home: Path, holder: str, *, keep_drafts: bool = False) -> Iterator[None]:
    """Hold the write lock of a home and delete the drafts of killed processes.

    `holder` is the command shown to other processes. The operating system releases the lock when
    the process ends. With `keep_drafts`, the drafts stay. Raises `HomeError` without waiting if
    another process holds the lock or the home is not writable.
    """
    _make_writable(home)
    with _lock(home, holder, "home", "BELVEDERE_HOME"):
        if not keep_drafts:
            _clear_drafts(home)
        yield


@contextmanager
def write_lock(home: Path, store: str, holder: str, *, keep_drafts: bool = False) -> Iterator[None]:
    """Hold the write lock of a home, and that of its feature store.

    A store in a folder outside of the home has a lock of its own, because several homes can share
    it. Raises `HomeError` without waiting, as `home_lock`.
    """
    with ExitStack() as locks:
        locks.enter_context(home_lock(home, holder, keep_drafts=keep_drafts))
        if "://" not in store and not Path(store).is_relative_to(home):
            folder = Path(store)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise HomeError(f"BELVEDERE_STORE: {explain_os_error(error) or error}") from error
            locks.enter_context(_lock(folder, holder, "feature store", "BELVEDERE_STORE"))
        yield


def drafts(home: Path) -> list[Path]:
    """Return the drafts in a home; under its lock, they are those of killed processes."""
    patterns = (f"{DRAFT_PREFIX}*", *_FORMER_DRAFTS)
    return sorted(
        {found for folder in _folders(home) for each in patterns for found in folder.glob(each)}
    )


@contextmanager
def _lock(folder: Path, holder: str, kind: str, setting: str) -> Iterator[None]:
    try:
        lock = (folder / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise HomeError(f"{setting}: {explain_os_error(error) or error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            by = lock.read().strip() or "another process"
            raise HomeError(
                f"The {kind} {folder} is locked by {by}; retry when it has finished, or set "
                f"{setting} to another folder."
            ) from error
        except OSError as error:
            raise HomeError(f"{setting}: {explain_os_error(error) or error}") from error
        lock.truncate(0)
        lock.write(f"`{holder}` (process {os.getpid()} on {socket.gethostname()})\n")
        lock.flush()
        yield


def _make_writable(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError(f"BELVEDERE_HOME: {explain_os_error(error) or error}") from error
    # The lock file can be writable in a folder that is not.
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        raise HomeError(
            f"BELVEDERE_HOME: {home} is not writable; give this user access, or choose another "
            "folder. `belvedere serve` can serve a release from a read-only home."
        )


def _folders(home: Path) -> tuple[Path, ...]:
    return (home, *(found for pattern in _FOLDERS for found in home.glob(pattern)))


def _clear_drafts(home: Path) -> None:
    for folder in _folders(home):
        clear_drafts(folder)
        for former in _FORMER_DRAFTS:
            for leftover in folder.glob(former):
                _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
