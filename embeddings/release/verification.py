"""Verification of releases against the feature store."""

from collections.abc import Collection
from pathlib import Path

from embeddings.release.manifest import Manifest
from embeddings.release.reader import (
    ReleaseError,
    current_release,
    release_folders,
    verify_release,
)
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from embeddings.store.verification import Findings


def check_releases(releases: Path, store: Store) -> Findings:
    """Check each release: its files, its dataset version, and the images and features of that."""
    folders = release_folders(releases)
    if not folders:
        return 0
    try:
        current_release(releases)
    except ReleaseError as error:
        yield str(error)
    files = store.blobs.known() if store.exists else set()
    for folder in folders:
        try:
            yield from _check_version(verify_release(folder), store, files)
        except (ReleaseError, StoreError) as error:
            yield f"The release {folder.name}: {error}"
    return len(folders)


def _check_version(manifest: Manifest, store: Store, files: Collection[str]) -> Findings:
    name, tag = manifest.folder, manifest.tag
    if tag not in store.tags():
        yield (
            f"The release {name} has lost its dataset version, the tag {tag}; run `belvedere "
            "publish`, then delete the folder of this release."
        )
        return 0
    images = store.at(tag).images
    if images.fingerprint != manifest.data.fingerprint:
        yield (
            f"The release {name} has other images than its dataset version {tag}; run `belvedere "
            "publish`, then delete the folder of this release."
        )
    digests = set(images.digests)
    if missing := len(digests - set(files)):
        yield (
            f"The store lacks {missing} files of the release {name}; restore the folder of the "
            "store from a backup, or run `belvedere add` with their folder."
        )
    if missing := len(digests - store.features(manifest.encoder.fingerprint).known()):
        yield (
            f"The store lacks the features of {missing} images of the release {name}; "
            "`belvedere publish` computes them again if they are needed."
        )
    return 1
