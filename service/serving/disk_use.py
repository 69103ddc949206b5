"""Disk use of the feature store and of the releases."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from embeddings.settings import is_remote
from service.settings import ServiceSettings

_TABLES = ("images", "blobs", "files", "labels", "selections")
_FEATURES = "features"
_RELEASES = "releases"


def measure_disk_use(settings: ServiceSettings) -> Mapping[str, int]:
    """Return the bytes of each table of the store, of all its features, and of all releases.

    A store outside of the local disk is left out. Links are not followed.
    """
    used = {_RELEASES: _bytes_of(settings.releases_folder)}
    if not is_remote(settings.store_uri):
        store = Path(settings.store_uri)
        used |= {table: _bytes_of(store / f"{table}.lance") for table in _TABLES}
        used[_FEATURES] = _bytes_of(store / _FEATURES)
    return used


def _bytes_of(folder: Path) -> int:
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    for parent, _, names in os.walk(folder):
        for name in names:
            # A clean-up can delete a file meanwhile.
            with suppress(FileNotFoundError):
                yield Path(parent, name).lstat().st_size
