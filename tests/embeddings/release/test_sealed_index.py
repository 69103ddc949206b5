"""Vector index of a release: built at publishing, verified, reused, opened and discarded."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from embeddings.index import SealedIndex
from embeddings.index.flat import FlatIndex, FlatKind
from embeddings.release.manifest import MANIFEST, Manifest
from embeddings.release.publish import republish
from embeddings.release.reader import (
    Release,
    ReleaseError,
    current_release,
    open_release,
    verify_release,
)
from embeddings.release.sealed_index import discard_index, open_index
from embeddings.settings import IndexSettings
from embeddings.store.store import Store


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny home, whose release has the index `flat`."""
    return Path(shutil.copytree(home, tmp_path / "home", symlinks=True))


def published(home: Path, index: str | None) -> Release:
    settings = IndexSettings(home=home, index=index)
    store = Store(str(home / "store"))
    return open_release(republish(store, home / "releases", explain=None, index=settings))


def relabelled(home: Path) -> None:
    store = Store(str(home / "store"))
    image = store.at().images[0]
    store.put([image.model_copy(update={"label": f"{image.label} again"})])


@pytest.mark.parametrize("kind", ["hnsw", "ivf", "flat-f16", "flat-int8"])
def test_a_release_contains_its_index_and_finds_the_same(copy: Path, kind: str) -> None:
    release = published(copy, kind)
    files = [name for name in release.manifest.files if name.startswith("index/")]
    assert release.manifest.index.kind == kind
    assert files
    index, flat = open_index(release, IndexSettings()), FlatIndex(release.embeddings)
    hits = []
    for row, query in enumerate(release.embeddings):
        found, expected = index.search(query, 3, exclude=row), flat.search(query, 3, exclude=row)
        assert found.kind == kind
        hits.append((found.distances <= expected.distances[-1]).mean())
    assert np.mean(hits) >= release.manifest.index.recall - 0.01
    (release.folder / files[-1]).write_bytes(b"damaged")
    with pytest.raises(ReleaseError, match=files[-1]):
        verify_release(release.folder)


def test_the_kind_stays_and_an_index_of_the_same_embeddings_is_reused(copy: Path) -> None:
    first = published(copy, "hnsw")
    relabelled(copy)
    second = published(copy, None)
    assert second.folder != first.folder
    assert second.manifest.index == first.manifest.index
    built = {name: each for name, each in first.manifest.files.items() if "index/" in name}
    assert built.items() <= second.manifest.files.items()

    Store(str(copy / "store")).delete([second.images.ids[0]])
    third = published(copy, None)
    assert third.manifest.index.kind == "hnsw"
    assert not built.items() <= third.manifest.files.items()
    back = published(copy, "flat").manifest
    assert not any(name.startswith("index/") for name in back.files)


def test_flat_is_served_from_every_release_and_other_kinds_are_refused(copy: Path) -> None:
    release = published(copy, "hnsw")
    query = release.embeddings[0]
    assert open_index(release, IndexSettings(index="flat")).search(query, 1).kind == "flat"
    with pytest.raises(ReleaseError, match=r"kind hnsw; run `belvedere publish` with .*=ivf"):
        open_index(release, IndexSettings(index="ivf"))


def test_the_last_release_with_an_index_discards_it(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    discarded: list[SealedIndex] = []
    monkeypatch.setattr(FlatKind, "discard", lambda _, sealed: discarded.append(sealed))
    first = current_release(copy / "releases")
    relabelled(copy)
    second = published(copy, None).folder
    discard_index(first, IndexSettings())
    assert discarded == []
    shutil.rmtree(first)
    discard_index(second, IndexSettings())
    assert [each.kind for each in discarded] == ["flat"]


@pytest.mark.parametrize("name", ["../other", "/etc/passwd", "index/../../x", "index//a", "a/."])
def test_a_manifest_names_files_inside_the_release_only(home: Path, name: str) -> None:
    manifest = json.loads((current_release(home / "releases") / MANIFEST).read_bytes())
    manifest["files"][name] = "0" * 64
    with pytest.raises(ValueError, match="inside the release"):
        Manifest.model_validate(manifest)
