"""Program that folds the changes of the store into a release, beside a service that writes.

`python -m embeddings.release.fold` publishes the model of the current release over the newest
revision, with one thread of low priority. It needs no TensorFlow, so new errors get no heat map.
"""

import os
import sys
from pathlib import Path

from embeddings.errors import BelvedereError
from embeddings.lock import home_lock
from embeddings.release.publish import republish
from embeddings.release.reader import current_release, read_manifest, refuse_newer_release
from embeddings.settings import PathSettings
from embeddings.store.store import Store

MODULE = "embeddings.release.fold"

_NICENESS = 10


def fold(settings: PathSettings) -> Path | None:
    """Publish the model of the current release over the newest revision; return the folder.

    Returns None if no image changed since the release. Raises `Locked` if another process
    publishes or trains, `ReleaseError` and `StoreError`.
    """
    store, releases = Store(settings.store_uri), settings.releases
    with home_lock(settings.home, f"python -m {MODULE}"):
        refuse_newer_release(releases)
        published = read_manifest(current_release(releases)).data
        if store.at().images.fingerprint == published.fingerprint:
            return None
        return republish(store, releases, explain=None)


def main() -> int:
    """Fold with the settings of the environment; return the exit status."""
    _lower_priority()
    try:
        fold(PathSettings.from_environment())
    except BelvedereError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _lower_priority() -> None:
    os.nice(_NICENESS)
    if hasattr(os, "sched_setaffinity"):
        # Inference and the map take a thread for each processor of the process.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())
