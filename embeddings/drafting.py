"""Where a release is drafted before it is published: by one publisher at a time."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embeddings.release import ReleaseError

LOCK = ".lock"

_DRAFT = ".publishing-"


@contextmanager
def publisher_alone(releases: Path) -> Iterator[None]:
    """Keep other publishers out of this folder, and clear away what killed ones left in it.

    The system gives the lock back when a process ends, however it ends. Raises `ReleaseError` at
    once where another publisher is at work.
    """
    releases.mkdir(parents=True, exist_ok=True)
    with (releases / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ReleaseError(
                f"Somebody else is publishing into {releases}; try again when that is done."
            ) from error
        for leftover in releases.glob(f"{_DRAFT}*"):
            shutil.rmtree(leftover)
        yield


@contextmanager
def draft_beside(releases: Path) -> Iterator[Path]:
    """An empty folder on the same disk as the releases, gone in the end unless it was renamed."""
    with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=releases) as temporary:
        draft = Path(temporary) / "release"
        draft.mkdir()
        yield draft
