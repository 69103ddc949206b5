"""Vector index of a release: built at publishing, opened for searches, discarded with it."""

import shutil
from contextlib import suppress
from pathlib import Path

from embeddings.index import IndexContents, SealedIndex, VectorIndex, open_kind
from embeddings.release.manifest import Manifest
from embeddings.release.reader import (
    Release,
    ReleaseError,
    current_release,
    read_manifest,
    release_folders,
    verify_release,
)
from embeddings.settings import IndexSettings

FOLDER = "index"
"""Folder in a release with the files of its index; missing if there are none."""

_EXACT = "flat"
"""Kind that needs no files, so that every release can be served with it."""


def build_index(
    draft: Path, contents: IndexContents, releases: Path, settings: IndexSettings
) -> SealedIndex:
    """Write the index of a release into its draft, or copy that of the current release.

    The kind is that of the settings, by default that of the current release. Raises
    `UnknownKind` and `IndexUnavailable`.
    """
    current = _current(releases)
    name = settings.index or (current.index.kind if current else _EXACT)
    folder = draft / FOLDER
    if current and (current.index.kind, current.vectors) == (name, contents.digest):
        built = releases / current.folder / FOLDER
        if built.exists():
            shutil.copytree(built, folder)
            return current.index
    folder.mkdir()
    sealed = open_kind(name, settings).build(folder, contents)
    with suppress(OSError):
        folder.rmdir()
    return sealed


def open_index(release: Release, settings: IndexSettings) -> VectorIndex:
    """Open the index of a release, or search its embeddings if the settings ask for `flat`.

    Raises `ReleaseError` if they ask for another kind than the release has, `UnknownKind` and
    `IndexUnavailable`.
    """
    sealed = release.manifest.index
    name = settings.index or sealed.kind
    if name not in (sealed.kind, _EXACT):
        raise ReleaseError(
            f"The release {release.manifest.fingerprint} has an index of the kind {sealed.kind}; "
            f"run `belvedere publish` with BELVEDERE_INDEX={name}, or unset BELVEDERE_INDEX."
        )
    contents = IndexContents(release.embeddings, release.manifest.vectors)
    return open_kind(name, settings).open(release.folder / FOLDER, sealed, contents)


def discard_index(folder: Path, settings: IndexSettings) -> None:
    """Delete what the index of a release has outside of it, unless another one has the same index.

    It comes before the release is deleted, so that it can be tried again. Raises `UnknownKind` and
    `IndexUnavailable`.
    """
    indexes = {}
    for each in release_folders(folder.parent):
        # A release of another format belongs to another version of the program.
        with suppress(ReleaseError):
            indexes[each] = read_manifest(each).index
    discarded = indexes.pop(folder, None)
    if discarded is not None and discarded not in indexes.values():
        open_kind(discarded.kind, settings).discard(discarded)


def _current(releases: Path) -> Manifest | None:
    """Return the manifest of the current release; None if there is none that is intact."""
    try:
        return verify_release(current_release(releases))
    except ReleaseError:
        return None
