"""Ingest deletes the versions of the store that no release refers to, and no others."""

from pathlib import Path

import pytest

from embeddings.release.manifest import MANIFEST
from embeddings.store.images import ImageTable
from embeddings.store.tables import StoreError
from tests.training.pictures import Take, class_folders


def release(releases: Path, version: int) -> None:
    (releases / str(version)).mkdir(parents=True)
    text = f'{{"format": 1, "store": {{"images": {version}, "features": 1}}}}'
    (releases / str(version) / MANIFEST).write_text(text, encoding="utf-8")


@pytest.fixture
def versions(tmp_path: Path, take: Take):
    """Return a function that ingests four data sets and returns the versions that are kept."""

    def change(**settings: object) -> list[int]:
        data = class_folders(tmp_path / "data", {"cat": 12, "dog": 12})
        made, store = [], ""
        for seed in range(4):
            table = take(data, seed=seed, **settings)
            made.append(table.version)
            store = table.dataset.uri.removesuffix("/images.lance")
            if seed == 0:
                release(tmp_path / "home" / "releases", table.version)
        kept = []
        for version in made:
            try:
                ImageTable.open(store, version).jpeg(0)
            except StoreError:
                continue
            kept.append(made.index(version))
        return kept

    return change


def test_the_newest_version_and_that_of_a_release_are_kept(versions) -> None:
    assert versions() == [0, 3]


def test_no_version_of_a_shared_store_is_deleted(versions, tmp_path: Path) -> None:
    assert versions(store=str(tmp_path / "shared")) == [0, 1, 2, 3]


def test_a_release_that_cannot_be_read_keeps_everything(versions, tmp_path: Path) -> None:
    damaged = tmp_path / "home" / "releases" / "damaged"
    damaged.mkdir(parents=True)
    (damaged / MANIFEST).write_bytes(b"")
    assert versions() == [0, 1, 2, 3]
