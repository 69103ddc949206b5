"""Frozen features are computed once for each file of an image, decoded pixels copied."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from embeddings.arrays import Floats, Mask, Rows
from embeddings.progress import no_progress
from training.data.dataset import Dataset, ImageFiles, SplitIndices
from training.models.backbones import pretrained
from training.trainers.feature_file import read_digests
from training.trainers.frozen_features import FrozenFeatures, cached_features, frozen_features
from training.workspace import Workspace

SIZE = (32, 48)
T = TypeVar("T")


@dataclass
class Work:
    """Files that were decoded, and numbers of images whose features were computed."""

    decoded: list[str] = field(default_factory=list)
    computed: list[int] = field(default_factory=list)

    def track(self, steps: Iterable[T], description: str, total: int) -> Iterable[T]:
        if description == "Frozen features":
            self.computed.append(total)
        return steps


@dataclass(frozen=True)
class Reading:
    """Files of a store; those that are read are listed, and some count as cleaned up."""

    files: ImageFiles
    work: Work
    gone: frozenset[str] = frozenset()

    @property
    def revision(self) -> int:
        return self.files.revision

    def jpegs(self, digests: Sequence[str]) -> Iterator[bytes]:
        self.work.decoded.extend(digests)
        return self.files.jpegs(digests)

    def has_files(self, digests: Sequence[str]) -> Mask:
        return self.files.has_files(digests) & ~np.isin(digests, sorted(self.gone))


@dataclass(frozen=True)
class Collection:
    """Dataset versions of a workspace with a cache of their own."""

    workspace: Workspace
    cache: Path
    work: Work

    def __len__(self) -> int:
        return len(self.workspace.dataset().images)

    def version(self, rows: Sequence[int] | Rows, gone: frozenset[str] = frozenset()) -> Dataset:
        """Return the dataset version with these images only; files in `gone` are cleaned up."""
        whole, kept = self.workspace.dataset(), np.asarray(rows, np.int64)

        def among(part: Rows) -> Rows:
            return np.flatnonzero(np.isin(kept, part))

        indices = whole.indices
        return replace(
            whole,
            snapshot=Reading(whole.snapshot, self.work, gone),
            images=whole.images.take(kept),
            labels=whole.labels[kept],
            indices=SplitIndices(*map(among, (indices.fit, indices.tuning, indices.validation))),
            cache=self.cache,
            track=self.work.track,
        )

    def features(self, dataset: Dataset, view: int = 0) -> FrozenFeatures:
        weights = self.workspace.settings.weights
        networks = {"mine": pretrained("mine", SIZE, weights)}
        return frozen_features(networks, weights, dataset, SIZE, view)

    def digests(self, dataset: Dataset) -> frozenset[str]:
        """Return the digests in the file of the cache."""
        weights = self.workspace.settings.weights
        return read_digests(cached_features("mine", weights, dataset, SIZE, 0).path)

    def fresh(self, dataset: Dataset, folder: Path, view: int = 0) -> Floats:
        """Return the features that are computed without a cache."""
        return self.features(replace(dataset, cache=folder, track=no_progress), view).features


@pytest.fixture
def collection(workspace: Workspace, tmp_path: Path) -> Collection:
    return Collection(workspace, tmp_path / "cache", Work())


def test_after_a_deletion_nothing_is_computed_or_decoded(collection: Collection) -> None:
    everything = collection.features(collection.version(range(len(collection))))
    pixels = set(collection.cache.glob("pixels-*"))
    collection.work.decoded.clear()
    kept = np.delete(np.arange(len(collection)), [3, 40])
    fewer = collection.features(collection.version(kept))
    np.testing.assert_array_equal(fewer.features, everything.features[kept])
    assert collection.work.computed == [len(collection)]
    assert not collection.work.decoded
    assert set(collection.cache.glob("pixels-*")) == pixels


def test_only_the_features_of_added_images_are_computed(
    collection: Collection, tmp_path: Path
) -> None:
    added = [5, 60, len(collection) - 1]
    collection.features(collection.version(np.delete(np.arange(len(collection)), added)))
    collection.work.decoded.clear()
    whole = collection.version(range(len(collection)))
    found = collection.features(whole)
    assert collection.work.computed == [len(collection) - 3, 3]
    assert collection.work.decoded == [whole.images.digests[row] for row in added]
    assert found.features.tobytes() == collection.fresh(whole, tmp_path / "other").tobytes()


def test_the_time_of_an_earlier_training_is_stated(collection: Collection) -> None:
    half = range(len(collection) // 2)
    first = collection.features(collection.version(half))
    assert first.seconds > first.reused_seconds == 0
    again = collection.features(collection.version(half))
    assert again.seconds == again.reused_seconds == pytest.approx(first.seconds)
    more = collection.features(collection.version(range(len(collection))))
    assert more.seconds > more.reused_seconds == pytest.approx(first.seconds)


def test_rows_of_images_that_no_dataset_version_has_are_dropped(collection: Collection) -> None:
    first = collection.version(range(60))
    collection.features(first)
    gone = frozenset(first.images.digests[:20])
    later = collection.version(range(20, 80), gone)
    collection.features(later)
    assert collection.digests(later) == set(later.images.digests)
    kept = collection.version(range(40, 100))
    collection.features(kept)
    assert collection.digests(kept) == {*later.images.digests, *kept.images.digests}


def test_a_view_depends_on_the_images_to_fit_on_alone(
    collection: Collection, tmp_path: Path
) -> None:
    whole = collection.version(range(len(collection)))
    view = collection.features(whole, view=1).features
    out = whole.indices.validation[0]
    without_it = collection.version(np.delete(np.arange(len(collection)), out))
    np.testing.assert_array_equal(collection.features(without_it, view=1).features, view)
    assert len(collection.work.computed) == 1
    fewer = collection.version(np.delete(np.arange(len(collection)), whole.indices.fit[0]))
    found = collection.features(fewer, view=1).features
    assert found.tobytes() == collection.fresh(fewer, tmp_path / "other", view=1).tobytes()
    assert len(list(collection.cache.glob("mine-*-view1-*"))) == 1


def test_damaged_files_are_made_again(collection: Collection, tmp_path: Path) -> None:
    whole = collection.version(range(len(collection)))
    found = collection.features(whole).features
    for path in collection.cache.iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    np.testing.assert_array_equal(collection.features(whole).features, found)
    assert collection.work.decoded == 2 * list(whole.images.digests)


def test_pixels_of_another_version_are_copied(collection: Collection, tmp_path: Path) -> None:
    first = collection.version(range(0, len(collection), 2))
    first.pixels(SIZE)
    collection.work.decoded.clear()
    whole = collection.version(range(len(collection)))
    pixels = whole.pixels(SIZE)
    known = set(first.images.digests)
    assert collection.work.decoded == [each for each in whole.images.digests if each not in known]
    other = replace(whole, cache=tmp_path / "other").pixels(SIZE)
    np.testing.assert_array_equal(pixels, other)
    assert [path.name for path in collection.cache.iterdir()] == [whole.pixels_path(SIZE).name]


def test_pixels_of_other_rules_are_decoded_again(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = collection.version(range(len(collection)))
    whole.pixels(SIZE)
    monkeypatch.setattr("training.data.pixel_file.PIXELS_VERSION", -1)
    monkeypatch.setattr("training.data.dataset.PIXELS_VERSION", -1)
    whole.pixels(SIZE)
    assert collection.work.decoded == 2 * list(whole.images.digests)
