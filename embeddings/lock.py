"""Exclusive locks of a home and of a feature store for writing; drafts of killed processes."""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from embeddings.atomic import DRAFT_PREFIX, clear_drafts
from embeddings.errors import HomeError, explain_os_error
from embeddings.lease import LeaseHeld, lease
from embeddings.objects import in_object_storage
from embeddings.settings import is_remote

LOCK = ".lock"

SERVICE = "belvedere serve"
"""Holder of the lock of a store that a service writes."""

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


class Locked(HomeError):
    """Home or feature store that another process writes."""


class LockedByService(Locked):
    """Home or feature store that a running service writes."""


@contextmanager
def home_lock(home: Path, holder: str, *, keep_drafts: bool = False) -> Iterator[None]:
    """Hold the lock of a home and delete the drafts of killed processes.

    The lock is for runs, caches and releases. `holder` is the command shown to other processes.
    The operating system releases the lock when the process ends. With `keep_drafts`, the drafts
    stay. Raises `Locked` without waiting if another process holds the lock, and `HomeError` if the
    home is not writable.
    """
    _make_writable(home)
    with _lock(home, holder, "home", "BELVEDERE_HOME"):
        if not keep_drafts:
            _clear_drafts(home)
        yield


@contextmanager
def store_lock(store: str, holder: str) -> Iterator[None]:
    """Hold the lock of a feature store, for changes of its images and its clean-up.

    The lock is not that of the home, because a service can hold it while models are trained and
    published, and because several homes can share a store. Features and tags are written without
    it. The lock of a store in object storage is a lease, for which a killed process makes the next
    one wait up to 20 seconds. A store at another URI has no lock. Raises `Locked` and `HomeError`
    as `home_lock`, and `ObjectStorageError`.
    """
    if in_object_storage(store):
        with _lease(store, holder):
            yield
        return
    if is_remote(store):
        yield
        return
    folder = Path(store)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError(f"BELVEDERE_STORE: {explain_os_error(error) or error}") from error
    with _lock(folder, holder, "feature store", "BELVEDERE_STORE"):
        yield


@contextmanager
def write_lock(home: Path, store: str, holder: str, *, keep_drafts: bool = False) -> Iterator[None]:
    """Hold the locks of a home and of its feature store.

    Raises `Locked` and `HomeError` without waiting, as `home_lock`.
    """
    with home_lock(home, holder, keep_drafts=keep_drafts), store_lock(store, holder):
        yield


def drafts(home: Path) -> list[Path]:
    """Return the drafts in a home; under its lock, they are those of killed processes."""
    patterns = (f"{DRAFT_PREFIX}*", *_FORMER_DRAFTS)
    return sorted(
        {found for folder in _folders(home) for each in patterns for found in folder.glob(each)}
    )


@contextmanager
def _lease(store: str, holder: str) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(lease(store, holder))
        except LeaseHeld as error:
            raise _locked(f"The feature store {store}", error.holder, "BELVEDERE_STORE") from error
        yield


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
            raise _locked(f"The {kind} {folder}", lock.read().strip(), setting) from error
        except OSError as error:
            raise HomeError(f"{setting}: {explain_os_error(error) or error}") from error
        lock.truncate(0)
        lock.write(f"`{holder}` (process {os.getpid()} on {socket.gethostname()})\n")
        lock.flush()
        yield


def _locked(place: str, holder: str, setting: str) -> Locked:
    """Return the error for a lock that another process holds."""
    if holder.startswith(f"`{SERVICE}"):
        return LockedByService(
            f"{place} is locked by {holder}; send the changes to this service (`belvedere add --to "
            "URL`), or stop it first."
        )
    return Locked(
        f"{place} is locked by {holder or 'another process'}; retry when it has finished, or set "
        f"{setting} to another folder."
    )


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
