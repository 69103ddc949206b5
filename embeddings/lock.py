"""Exclusive lock of a home for writing; its holder deletes the drafts of killed processes."""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embeddings.atomic import clear_drafts
from embeddings.errors import HomeError, explain_os_error

LOCK = ".lock"

_FOLDERS = ("cache", "downloads", "downloads/licenses", "releases", "runs", "runs/*")
"""Folders of a home, besides the home itself, in which drafts are written."""

_FORMER_DRAFTS = (
    ".decoding-*", ".running-*", ".features-*", ".exporting-*", ".quantizing-*", ".download-*",
    ".publishing-*",
)  # fmt: skip
"""Names of the drafts of earlier versions."""


@contextmanager
def home_lock(home: Path, holder: str) -> Iterator[None]:
    """Hold the write lock of a home and delete the drafts of killed processes.

    `holder` is the command shown to other processes. The operating system releases the lock when
    the process ends. Raises `HomeError` without waiting if another process holds the lock or the
    home is not writable.
    """
    _make_writable(home)
    try:
        lock = (home / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise HomeError(f"BELVEDERE_HOME: {explain_os_error(error) or error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            by = lock.read().strip() or "another process"
            raise HomeError(
                f"The home {home} is locked by {by}; retry when it has finished, or set "
                "BELVEDERE_HOME to another folder."
            ) from error
        except OSError as error:
            raise HomeError(f"BELVEDERE_HOME: {explain_os_error(error) or error}") from error
        lock.truncate(0)
        lock.write(f"`{holder}` (process {os.getpid()} on {socket.gethostname()})\n")
        lock.flush()
        _clear_drafts(home)
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


def _clear_drafts(home: Path) -> None:
    for folder in (home, *(found for pattern in _FOLDERS for found in home.glob(pattern))):
        clear_drafts(folder)
        for former in _FORMER_DRAFTS:
            for leftover in folder.glob(former):
                _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
