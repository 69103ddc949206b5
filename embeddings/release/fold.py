"""Program that folds the changes of the store into a release, beside a service that writes.

`python -m embeddings.release.fold` publishes the model of the current release over the newest
revision, with one thread of low priority. It needs no TensorFlow, so new errors get no heat map.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from embeddings.atomic import delete_whole
from embeddings.errors import BelvedereError
from embeddings.index import IndexUnavailable
from embeddings.lock import home_lock
from embeddings.release.manifest import Manifest
from embeddings.release.publish import republish
from embeddings.release.reader import (
    ReleaseError,
    current_release,
    read_manifest,
    refuse_newer_release,
    release_folders,
)
from embeddings.release.sealed_index import discard_index
from embeddings.release.sharing import SharedReleases, keep_local
from embeddings.settings import IndexSettings
from embeddings.store.store import Store

MODULE = "embeddings.release.fold"

_NICENESS = 10

_KEPT = 3
"""Newest releases of a model that stay, so that it can be published as it was before."""


def fold(settings: IndexSettings) -> Path | None:
    """Publish the model of the current release over the newest revision; return the folder.

    Of the earlier releases of the model, the first and the newest stay. Returns None if no image
    changed since the release and its index has the kind of the settings. Raises `Locked` if another
    process publishes or trains, `ReleaseError`, `StoreError` and `ObjectStorageError`.
    """
    store, releases = Store(settings.store_uri), settings.releases_folder
    with home_lock(settings.home, f"python -m {MODULE}"):
        shared = SharedReleases.of(settings)
        if shared is not None:
            shared.pull_all()
        refuse_newer_release(releases)
        published = read_manifest(current_release(releases))
        is_newest = store.at().images.fingerprint == published.data.fingerprint
        if is_newest and settings.index in (None, published.index.kind):
            return None
        share = keep_local if shared is None else shared.share
        folder = republish(store, releases, explain=None, index=settings, share=share)
        _delete_folded(store, settings, shared)
        return folder


def _delete_folded(store: Store, settings: IndexSettings, shared: SharedReleases | None) -> None:
    """Delete releases of the present model, except for the first and the newest ones.

    Otherwise each fold would take disk space for ever.
    """
    releases = settings.releases_folder
    current = read_manifest(current_release(releases))
    same: list[tuple[Manifest, Path]] = []
    for folder in release_folders(releases):
        # A release of another format belongs to another version of the program.
        with suppress(ReleaseError):
            manifest = read_manifest(folder)
            if manifest.encoder.fingerprint == current.encoder.fingerprint:
                same.append((manifest, folder))
    same.sort(key=lambda each: each[0].data.revision)
    for manifest, folder in same[1:-_KEPT]:
        # Without the server of its index, a release stays until a later fold.
        with suppress(IndexUnavailable):
            if manifest.fingerprint != current.fingerprint:
                discard_index(folder, settings)
                if shared is not None:
                    shared.discard(folder)
                delete_whole(folder)
                store.untag(manifest.tag)


def main() -> int:
    """Fold with the settings of the environment; return the exit status."""
    _lower_priority()
    try:
        fold(IndexSettings.from_environment())
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
