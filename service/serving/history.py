"""Dataset versions of the feature store, opened for reading."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.arrays import Rows
from embeddings.encoded import Encoded
from embeddings.file_names import to_nfc
from embeddings.release.reader import Release
from embeddings.review.decided import Decided, journal_version, read_decided
from embeddings.store.columns import Categories, Strings
from embeddings.store.images import Snapshot
from embeddings.store.records import Images, RecordedDecision, StoredImage
from embeddings.store.selections import StoredSelection
from embeddings.store.store import Store
from embeddings.store.tables import OtherFormat, StoreDamaged, StoreError
from embeddings.store.versions import (
    Changes,
    DatasetVersion,
    Difference,
    Revision,
    describe_version,
    difference,
    list_revisions,
)
from service.image_filter import ImageFilter
from service.serving.errors import (
    StoreUnreadable,
    UnknownImage,
    UnknownSelection,
    UnknownVersion,
)

_VERSIONS_KEPT = 1024
_SNAPSHOTS_KEPT = 2
_DIFFERENCES_KEPT = 8


@dataclass(frozen=True)
class ImagesAt:
    """Images of a dataset version; rows are numbered by id."""

    images: Images

    def row(self, identifier: str) -> int:
        """Return the row number of an image. Raises `UnknownImage`."""
        row = Strings(self.images.array("id")).find(identifier)
        if row is None:
            raise UnknownImage(identifier)
        return row

    def matching(self, where: ImageFilter) -> Rows:
        """Return the rows of the images that meet the conditions `label` and `split`."""
        mask = np.ones(len(self.images), dtype=np.bool_)
        for name, values in (("label", where.label), ("split", where.split)):
            if values:
                mask &= self._categories(name).matching(frozenset(values).__contains__)
        return np.flatnonzero(mask)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Labels in alphabetical order."""
        return tuple(sorted(filter(None, self._categories("label").values)))

    def _categories(self, name: str) -> Categories[str | None]:
        return Categories.of(self.images.array(name))


class ImageHistory(NamedTuple):
    """Record of an image with the decisions about its label, the oldest first."""

    image: StoredImage
    decisions: tuple[RecordedDecision, ...]


class History:
    """Dataset versions of the store of a release; safe to use from many threads.

    Tags are read for each call, since they move. Contents of a revision never change and are
    cached; the caches belong to this object and are freed with the release.
    """

    def __init__(self, store: Store, release: Release) -> None:
        self._store = store
        self._release = release
        # They refer to the store alone: a reference cycle would keep a replaced release in memory.
        self._described = lru_cache(_VERSIONS_KEPT)(partial(describe_version, store.images))
        self._images = lru_cache(_SNAPSHOTS_KEPT)(partial(_open, store))
        self._differences = lru_cache(_DIFFERENCES_KEPT)(partial(_compare, store))
        self._decided = lru_cache(1)(partial(_read_decided, store))
        self._selections = lru_cache(1)(partial(_read_selections, store))

    def revisions(self) -> tuple[Revision, ...]:
        """Return all revisions, newest first. Raises `StoreUnreadable`."""
        with _readable():
            return tuple(reversed(list_revisions(self._store.images)))

    def describe(self, revision: Revision) -> DatasetVersion | None:
        """Return a revision with its numbers of images; None if it was deleted meanwhile.

        Raises `StoreUnreadable`.
        """
        with _readable():
            return self._described(revision)

    def images(self, version: str) -> ImagesAt:
        """Return the images at a tag or revision. Raises `UnknownVersion`, `StoreUnreadable`."""
        with _readable():
            return self._images(self._snapshot(version).revision)

    def difference(self, before: str, after: str) -> Difference:
        """Return the difference between two dataset versions, given by tag or revision.

        Raises `UnknownVersion` and `StoreUnreadable`.
        """
        with _readable():
            revisions = (self._snapshot(each).revision for each in (before, after))
            return self._differences(*revisions)

    def changes(self, since: int, until: int) -> Changes:
        """Return the ids that changed after a revision, up to another one.

        Raises `StoreUnreadable`.
        """
        with _readable():
            return self._store.changes(since, until)

    def of_image(self, identifier: str, revision: int) -> ImageHistory:
        """Return the history of an image up to a revision, in which it may be deleted.

        Raises `UnknownImage` and `StoreUnreadable`.
        """
        with _readable():
            image = self._store.at(revision).find(to_nfc(identifier))
            if image is None:
                raise UnknownImage(identifier)
            decisions = self._store.labels.of(image.id)
        # A decision is written before the change of its image, which has the same time.
        kept = (each for each in decisions if image.changed and each.at <= image.changed)
        return ImageHistory(image, tuple(kept))

    def features(self, digest: str) -> Encoded | None:
        """Return the features of a file by the served encoder, of one row; None without any.

        Raises `StoreUnreadable`.
        """
        row = self._release.row_of_file(digest)
        if row >= 0:
            release = self._release
            return Encoded(release.embeddings[row : row + 1], release.probabilities[row : row + 1])
        with _readable():
            table = self._store.features(self._release.manifest.encoder.fingerprint)
            found, encoded = table.read([digest])
        return encoded if found.all() else None

    @cached_property
    def learned(self) -> pa.Array:
        """Digests of the files that the served model learned from.

        Without its dataset version, those of the release alone.
        """
        try:
            return self._store.at(self._release.manifest.training.version).training_files
        except StoreError:
            return self._release.images.array("digest").filter(pa.array(self._release.learned))

    @cached_property
    def judged(self) -> pa.Array:
        """Digests of the validation files that the published accuracy counts.

        Without the dataset version of the training, those of the release.
        """
        try:
            return self._store.at(self._release.manifest.training.version).validation_files
        except StoreError:
            images = self._release.images
            return images.array("digest").filter(pa.array(images.splits == "validation"))

    def decided(self) -> Decided:
        """Return the decisions about labels and duplicates that hold. Raises `StoreUnreadable`."""
        with _readable():
            return self._decided(journal_version(self._store.labels))

    def selections(self) -> Mapping[str, StoredSelection]:
        """Return the saved selections by name, in the order of names. Raises `StoreUnreadable`."""
        with _readable():
            return self._selections(self._store.selections.version())

    def selection(self, name: str) -> StoredSelection:
        """Return a saved selection. Raises `UnknownSelection` and `StoreUnreadable`."""
        found = self.selections().get(to_nfc(name))
        if found is None:
            raise UnknownSelection(name)
        return found

    def _snapshot(self, version: str) -> Snapshot:
        try:
            return self._store.at(version)
        except (StoreDamaged, OtherFormat):
            raise
        except StoreError as error:
            if not self._store.exists:
                raise
            raise UnknownVersion(version) from error


def _open(store: Store, revision: int) -> ImagesAt:
    return ImagesAt(store.at(revision).images)


def _read_decided(store: Store, _version: int) -> Decided:
    return read_decided(store.labels)


def _read_selections(store: Store, _version: int) -> Mapping[str, StoredSelection]:
    return store.selections.read()


def _compare(store: Store, before: int, after: int) -> Difference:
    return difference(store.at(before), store.at(after))


@dataclass(frozen=True)
class LearnedFiles:
    """Digests of the files that the served model learned from, read when first needed."""

    history: History

    def __contains__(self, digest: object) -> bool:
        return int(pc.index(self.history.learned, pa.scalar(digest, pa.string())).as_py()) >= 0


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise StoreUnreadable from error
