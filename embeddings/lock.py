"""Lock of a home: one process at a time writes there, and clears the drafts of killed ones."""

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
"""Folders of a home in which drafts are made, beside the home itself."""

_FORMER_DRAFTS = (
    ".decoding-*", ".running-*", ".features-*", ".exporting-*", ".quantizing-*", ".download-*",
    ".publishing-*",
)  # fmt: skip
"""Names of the drafts of earlier versions."""


@contextmanager
def home_lock(home: Path, holder: str) -> Iterator[None]:
    """Keep other processes from writing into a home, and clear what killed ones left there.

    `holder` is the command that others are told of. The system gives the lock back when the process
    ends, however it ends. Raises `HomeError` at once where another process holds it, or where the
    home cannot be written.
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
                f"The home {home} is in use by {by}; wait until it has ended, or set "
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
    # The file of the lock may be writable though the folder is not.
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        raise HomeError(
            f"BELVEDERE_HOME: {home} cannot be written; give this user access to it, or name "
            "another folder. `belvedere serve` serves a release from it all the same."
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
