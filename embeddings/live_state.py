"""Live state: a sealed release with all changes of the store up to a revision."""

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.arrays import Doubles, Floats, Mask, Points, Rows
from embeddings.encoded import Encoded
from embeddings.file_names import to_nfc
from embeddings.index import Neighbors, VectorIndex
from embeddings.index.growing_array import GrowingArray
from embeddings.index.live import LiveIndex
from embeddings.index.live_graph import LiveGraph
from embeddings.release.reader import Release
from embeddings.store.changed_images import ChangedImages
from embeddings.store.columns import Categories
from embeddings.store.images import Snapshot
from embeddings.store.records import IMAGE_SCHEMA, Images, StoredImage
from embeddings.store.split import Split
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from embeddings.unseen_files import UnseenFiles

Encode = Callable[[Iterable[bytes]], Iterator[Encoded]]
"""Function that encodes JPEG files, such as `Encoder.encode_files`."""

_UNSEALED: dict[str, Any] = dict.fromkeys(("source", "path", "added", "changed", "deleted"))
"""Columns that a release does not contain."""


_ROWS_AT_ONCE = 1024


class RevisionLost(StoreError):
    """Revision after which the changes cannot be followed: `read_all_changes` must be used."""


@dataclass(frozen=True)
class LiveState:
    """Release with all changes up to a revision; safe to use from many threads.

    Rows 0 to n-1 are those of the release, rows n to n+m-1 belong to images that were added or
    replaced later. A row keeps its number and its embedding. A state never changes: `apply` returns
    another one.
    """

    release: Release
    revision: int
    index: LiveIndex
    graph: LiveGraph
    _sealed_labels: Categories[str | None]
    _sealed_splits: Categories[Split]
    _unseen: UnseenFiles
    _probabilities: "GrowingArray[np.float32]"
    _records: dict[int, StoredImage]
    """Records of the rows that the release lacks or has otherwise."""
    _rows: dict[str, int]
    """Live row of each id that is not in the row of the release; -1 if it is deleted."""
    _rows_of_files: dict[tuple[str, str], int]
    """Added row of an id and digest, live or not."""

    @classmethod
    def of(
        cls, release: Release, base: VectorIndex, more_learned: Container[str] = frozenset()
    ) -> "LiveState":
        """Return the state of a release without changes.

        `base` is an index of its embeddings. `more_learned` are digests of images that the model
        learned from and the release lacks.
        """
        return cls(
            release=release,
            revision=release.manifest.data.revision,
            index=LiveIndex.of(base, release.ids, release.embeddings),
            graph=LiveGraph.of(release.graph),
            _sealed_labels=Categories.of(release.images.array("label")),
            _sealed_splits=Categories.of(release.images.array("split")),
            _unseen=UnseenFiles(release, base, more_learned),
            _probabilities=GrowingArray.empty(np.float32, release.probabilities.shape[1:]),
            _records={},
            _rows={},
            _rows_of_files={},
        )

    def __len__(self) -> int:
        """Return the number of rows, live or not."""
        return len(self.index)

    @property
    def live(self) -> Mask:
        """Shape (n + m,): false for the rows of deleted and replaced images."""
        return self.index.live

    def apply(self, changes: ChangedImages) -> "LiveState":
        """Return the state at the revision of the changes; self if it has them already."""
        if changes.revision <= self.revision:
            return self
        return _Application(self, changes).state()

    def row(self, identifier: str) -> int | None:
        """Return the live row of an id in any Unicode normalization form; None without one."""
        row = self._rows.get(identifier)
        if row is None:
            row = self._rows.get(to_nfc(identifier))
        if row is None:
            return self.release.rows.get(identifier)
        return row if row >= 0 else None

    def rows_of(self, ids: Sequence[str]) -> Rows:
        """Return the live rows of ids in NFC, -1 for ids without one; faster than one by one."""
        sealed = pc.index_in(pa.array(ids, pa.string()), self.release.ids.array)
        rows = pc.fill_null(sealed, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        for place, identifier in enumerate(ids):
            changed = self._rows.get(identifier)
            if changed is not None:
                rows[place] = changed
        return np.asarray(rows)

    def record(self, row: int) -> StoredImage:
        """Return the record of a row, without times and paths of sources as in a release."""
        found = self._records.get(row)
        return self.release.record(row) if found is None else found

    def records(self, rows: Rows) -> Iterator[StoredImage]:
        """Yield the records of rows in their order; faster than one by one."""
        images = self.release.images
        sealed = iter(images.take(rows[rows < len(images)]))
        for row in rows.tolist():
            found = next(sealed) if row < len(images) else None
            yield self._records[row] if found is None else self._records.get(row, found)

    @property
    def changed_records(self) -> Mapping[int, StoredImage]:
        """Records by row that the release lacks or has otherwise; every added row is among them."""
        return self._records

    @property
    def added_probabilities(self) -> Floats:
        """Class probabilities of the added rows, shape (m, classes)."""
        return self._probabilities.values

    def images(self, rows: Rows) -> Images:
        """Return the records of rows as columns, in their order; faster than as records."""
        changed = np.array([row in self._records for row in rows.tolist()], np.bool_)
        sealed = self.release.images.take(rows[~changed]).table.cast(IMAGE_SCHEMA)
        if not changed.any():
            return Images(sealed)
        others = Images.of(self._records[row] for row in rows[changed].tolist())
        order = np.empty(len(rows), np.int64)
        order[~changed] = np.arange(len(sealed))
        order[changed] = len(sealed) + np.arange(len(others))
        return Images(pa.concat_tables([sealed, others.table])).take(order)

    def ids(self, rows: Rows) -> list[str]:
        """Return the ids of rows."""
        count = len(self.release.images)
        sealed = iter(self.release.ids.take(rows[rows < count]))
        return [next(sealed) if row < count else self.index.id_of(row) for row in rows.tolist()]

    def embedding(self, row: int) -> Floats:
        """Return the embedding of a row, shape (dimension,)."""
        return self.index.embedding(row)

    def probabilities(self, row: int) -> Floats:
        """Return the class probabilities of a row, shape (classes,)."""
        count = len(self.release.images)
        added = self._probabilities.values
        probabilities: Floats = (
            self.release.probabilities[row] if row < count else added[row - count]
        )
        return probabilities

    @cached_property
    def all_probabilities(self) -> Floats:
        """Class probabilities of n + m rows, shape (n + m, classes)."""
        added = self._probabilities.values
        sealed = self.release.probabilities
        return np.concatenate([sealed, added]) if len(added) else sealed

    def predicted(self, row: int) -> int:
        """Return the number of the most probable class of a row."""
        return int(np.argmax(self.probabilities(row)))

    def learned(self, row: int) -> bool:
        """Return True if the model learned from the file of a row."""
        if row < len(self.release.images):
            return bool(self.release.learned[row])
        return self._unseen.learned(self.record(row).digest)

    def typicality(self, row: int) -> float:
        """Return the typicality of a row, 0-1: a function of the release and the file alone."""
        if row < len(self.release.images):
            return float(self.release.typicalities[row])
        return self._unseen.typicality(self.record(row).digest, self.embedding(row))

    @cached_property
    def typicalities(self) -> Doubles:
        """Typicalities of n + m rows; 0 for added rows that are not live."""
        count = len(self.release.images)
        typicalities = np.pad(self.release.typicalities, (0, len(self) - count))
        for row in (np.flatnonzero(self.live[count:]) + count).tolist():
            typicalities[row] = self.typicality(row)
        return typicalities

    @cached_property
    def training_distances(self) -> Doubles:
        """Distances of n + m rows to their tenth nearest training images, as at publishing.

        Infinity for added rows that are not live.
        """
        count = len(self.release.images)
        missing = (0, len(self) - count)
        distances = np.pad(self.release.training_distances, missing, constant_values=np.inf)
        for row in (np.flatnonzero(self.live[count:]) + count).tolist():
            digest = self.record(row).digest
            distances[row] = self._unseen.training_distance(digest, self.embedding(row))
        return distances

    @cached_property
    def neighbor_lists(self) -> tuple[Rows, Doubles]:
        """Nearest live rows of n + m rows and their distances, shapes (n + m, 3).

        Lists of fewer rows, and those of dead rows, end with -1 and infinity.
        """
        return self.graph.lists(self.index)

    def points(self, rows: Rows) -> Points:
        """Return the places of rows on the map, shape (rows, 2).

        They are functions of the release and the file alone.
        """
        added = rows >= len(self.release.images)
        points = np.empty((len(rows), 2))
        points[~added] = self.release.points[rows[~added]]
        digests = [self.record(row).digest for row in rows[added].tolist()]
        points[added] = self._unseen.points(digests, self.index.embeddings[rows[added]])
        return points

    def point(self, row: int) -> tuple[float, float]:
        """Return the place of a row on the map."""
        x, y = self.points(np.array([row]))[0].tolist()
        return x, y

    def place(self, embedding: Floats) -> tuple[float, float]:
        """Return the place of an embedding of shape (dimension,) on the map of the release."""
        x, y = self._unseen.place(embedding[np.newaxis])[0].tolist()
        return x, y

    @property
    def files(self) -> UnseenFiles:
        """Facts about files by digest, of the collection or of earlier dataset versions."""
        return self._unseen

    def neighbors(self, row: int) -> Neighbors:
        """Return the nearest live rows of a live row, at most three: its ready answer."""
        return self.graph.neighbors(self.index, row)

    def stamp(self, row: int) -> int:
        """Return the revision at which the ready answer of a live row changed last.

        It includes the records of the row and of its neighbours. 0 if it is that of the release.
        """
        return int(self.graph.stamps[row])

    @cached_property
    def labels(self) -> Categories[str | None]:
        """Labels of n + m rows; None for an image without a label."""
        changed = {row: record.label for row, record in self._records.items()}
        return self._sealed_labels.extended(len(self), changed)

    @cached_property
    def splits(self) -> Categories[Split]:
        """Parts of the split of n + m rows: `train`, `validation` or `pool`."""
        changed = {row: record.split for row, record in self._records.items()}
        return self._sealed_splits.extended(len(self), changed)

    def ids_in_order(self) -> Rows:
        """Return the live rows ordered by id."""
        return self._rows_by_id

    @cached_property
    def _rows_by_id(self) -> Rows:
        count = len(self.release.images)
        added = np.flatnonzero(self.live[count:]) + count
        ids = np.array([self.index.id_of(row) for row in added.tolist()], np.object_)
        order = np.argsort(ids, kind="stable")
        places = [bisect_left(self.release.ids, each) for each in ids[order]]
        rows = np.insert(np.arange(count), np.array(places, np.int64), added[order])
        return rows[self.live[rows]]


class _Application:
    """Application of changes to a state, image by image."""

    def __init__(self, before: LiveState, changes: ChangedImages) -> None:
        self.before = before
        self.changes = changes
        self.records = before._records.copy()
        self.rows = before._rows.copy()
        self.rows_of_files = before._rows_of_files.copy()
        self.added: list[int] = []
        """Positions in the changes of the added rows."""
        self.added_ids: list[str] = []
        self.gone: list[int] = []
        self.revived: list[int] = []
        self.altered: list[int] = []
        """Live rows with another record."""

    def state(self) -> LiveState:
        """Return the state with the changes."""
        for position, image in enumerate(self.changes.images):
            self._change(position, image)
        before, encoded, added = self.before, self.changes.encoded, _array(self.added)
        gone, revived, altered = _array(self.gone), _array(self.revived), _array(self.altered)
        index = before.index.with_changes(self.added_ids, encoded.embeddings[added], gone, revived)
        appeared = np.append(np.arange(len(before), len(index)), revived)
        revision = self.changes.revision
        return replace(
            before,
            revision=revision,
            index=index,
            graph=before.graph.with_changes(index, appeared, gone, altered, revision),
            _probabilities=before._probabilities.extended(encoded.probabilities[added]),
            _records=self.records,
            _rows=self.rows,
            _rows_of_files=self.rows_of_files,
        )

    def _change(self, position: int, image: StoredImage) -> None:
        before = self.before.row(image.id)
        after = None if image.deleted is not None else self._row_of(position, image)
        if before is not None and before != after:
            self.gone.append(before)
        if after is None:
            self.rows[image.id] = -1
            return
        if after < len(self.before.release.images):
            self.rows.pop(image.id, None)
        else:
            self.rows[image.id] = after
        image = image.model_copy(update=_UNSEALED)
        if before == after and image != self.before.record(after):
            self.altered.append(after)
        if before != after and after < len(self.before):
            self.revived.append(after)
        self._record(after, image)

    def _row_of(self, position: int, image: StoredImage) -> int:
        """Return the row of an id and its file, which is a new one if there is none."""
        release = self.before.release
        sealed = release.rows.get(image.id)
        if sealed is not None and release.record(sealed).digest == image.digest:
            return sealed
        row = self.rows_of_files.get((image.id, image.digest))
        if row is None:
            row = len(self.before) + len(self.added)
            self.rows_of_files[image.id, image.digest] = row
            self.added.append(position)
            self.added_ids.append(image.id)
        return row

    def _record(self, row: int, image: StoredImage) -> None:
        release = self.before.release
        if row < len(release.images) and image == release.record(row):
            self.records.pop(row, None)
        else:
            self.records[row] = image


def _array(rows: list[int]) -> Rows:
    return np.array(rows, np.int64)


def read_changes(store: Store, encoder: str, since: int, encode: Encode) -> ChangedImages:
    """Return the images that changed after a revision, up to the newest.

    `encoder` is the fingerprint of the encoder of the release; files without stored features are
    encoded. Raises `RevisionLost` if images were erased or the revision was cleaned up,
    `StoreError` and `ImageRejected`.
    """
    snapshot = store.at()
    if snapshot.revision == since:
        return _changed(snapshot, store, encoder, snapshot.all.take(np.empty(0, np.int64)), encode)
    created, images = store.images.changed_rows(snapshot, since)
    if since > snapshot.revision or _count(store, since) + created != snapshot.dataset.count_rows():
        raise RevisionLost(
            f"The changes of the feature store {store.uri} since revision {since} are incomplete."
        )
    return _changed(snapshot, store, encoder, images, encode)


def read_all_changes(store: Store, state: LiveState, encode: Encode) -> ChangedImages:
    """Return the images of the newest revision that differ from a state, by comparing all.

    An image of the state that was erased is returned as deleted. Raises `StoreError` and
    `ImageRejected`.
    """
    snapshot = store.at()
    present = snapshot.all
    known = set(present.ids)
    changed = [*_differing(state, present)]
    rows = np.flatnonzero(state.live)
    for row, identifier in zip(rows.tolist(), state.ids(rows), strict=True):
        if identifier not in known:
            changed.append(state.record(row).model_copy(update={"deleted": store.now()}))
    encoder = state.release.manifest.encoder.fingerprint
    return _changed(snapshot, store, encoder, Images.of(changed), encode)


def _differing(state: LiveState, images: Images) -> Iterator[StoredImage]:
    for start in range(0, len(images), _ROWS_AT_ONCE):
        block = images[start : start + _ROWS_AT_ONCE]
        rows = [state.row(each) for each in block.ids]
        known = np.array([row for row in rows if row is not None], np.int64)
        records = dict(zip(known.tolist(), state.records(known), strict=True))
        for image, row in zip(block, rows, strict=True):
            if _differs(None if row is None else records[row], image):
                yield image


def _differs(record: StoredImage | None, image: StoredImage) -> bool:
    if record is None or image.deleted is not None:
        return (record is None) != (image.deleted is not None)
    return record != image.model_copy(update=_UNSEALED)


def _count(store: Store, revision: int) -> int:
    try:
        return int(store.at(revision).dataset.count_rows())
    except StoreError:
        return -1


def _changed(
    snapshot: Snapshot, store: Store, encoder: str, images: Images, encode: Encode
) -> ChangedImages:
    live = np.flatnonzero([deleted is None for deleted in images.column("deleted")])
    encoded = _encoded(snapshot, store, encoder, images.take(live).digests, encode)
    rows = np.full(len(images), -1)
    rows[live] = np.arange(len(live))
    return ChangedImages(snapshot.revision, images, _take(encoded, rows), encoder)


def _encoded(
    snapshot: Snapshot, store: Store, encoder: str, digests: Sequence[str], encode: Encode
) -> Encoded:
    """Return the features of digests: the stored ones, the others encoded."""
    if not digests:
        return Encoded(np.empty((0, 0), np.float32), np.empty((0, 0), np.float32))
    found, encoded = store.features(encoder).read(digests)
    missing = [digest for digest, known in zip(digests, found, strict=True) if not known]
    if not missing:
        return encoded
    new = Encoded.concatenate(encode(snapshot.jpegs(missing)))
    if not found.any():
        return new
    rows = np.empty(len(digests), np.int64)
    rows[found], rows[~found] = np.arange(found.sum()), found.sum() + np.arange(len(missing))
    return _take(Encoded.concatenate([encoded, new]), rows)


def _take(encoded: Encoded, rows: Rows) -> Encoded:
    """Return rows of features; zeros for the row -1."""
    return Encoded(*(_rows(matrix, rows) for matrix in (encoded.embeddings, encoded.probabilities)))


def _rows(matrix: Floats, rows: Rows) -> Floats:
    taken = np.zeros((len(rows), matrix.shape[1]), np.float32)
    taken[rows >= 0] = matrix[rows[rows >= 0]]
    return taken
