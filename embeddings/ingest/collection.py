"""Images of the store in memory, tombstones included, for decisions about single changes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from embeddings.arrays import Pixels, Rows
from embeddings.ingest.changes import PreparedFile
from embeddings.ingest.comparison import Alike, Comparison
from embeddings.ingest.near_duplicates import NEW, Links
from embeddings.ingest.placement import (
    NO_LABEL,
    Part,
    SplitTable,
    link_keys,
    part_of,
    place,
    place_alone,
    place_before,
    reason_without_label,
)
from embeddings.ingest.places import Places
from embeddings.ingest.resizable_array import ResizableArray
from embeddings.store.records import Images, StoredImage

_SETTLED = 1000
"""Records kept as objects at most, until they are stored as columns."""


class Collection:
    """Images by row: those of the store in the order of their ids, then new ones as they arrive."""

    def __init__(self, images: Images, thumbnails: Pixels, split_seed: int) -> None:
        """Index the images of a revision; `thumbnails` has their order."""
        self._images = images
        self._changed: dict[int, StoredImage] = {}
        self._read: dict[int, StoredImage] = {}
        """Records of `_images` that the changes of one commit read."""
        self._seed = split_seed
        self._row_of = {identifier: row for row, identifier in enumerate(images.ids)}
        self._contents: dict[str, tuple[int, ...]] = {}
        self._labels: list[str | None] = list(images.labels)
        self._label_numbers: dict[str | None, int] = {None: -1}
        self._photographers: list[str | None] = images.column("photographer_id")
        numbers = [self._number(label) for label in self._labels]
        self._label_of = ResizableArray(np.array(numbers, np.int64))
        self._groups = ResizableArray(images.groups)
        self._parts = ResizableArray(_parts(images))
        deleted = images.column("deleted")
        self._live = ResizableArray(np.array([each is None for each in deleted], np.bool_))
        self._comparison = Comparison(thumbnails)
        sources = images.column("source_digest")
        for row, (source, digest) in enumerate(zip(sources, images.digests, strict=True)):
            self._add_contents(row, source, digest)

    def __len__(self) -> int:
        return len(self._live)

    def row_of(self, identifier: str) -> int | None:
        """Return the row of an id, deleted or not; None if it is unknown."""
        return self._row_of.get(identifier)

    def record(self, row: int) -> StoredImage:
        """Return the record of a row."""
        found = self._changed.get(row) or self._read.get(row)
        if found is None:
            found = self._read[row] = self._images[row]
        return found

    def read(self, rows: Sequence[int]) -> None:
        """Read many records at once, which is faster than one by one."""
        new = [row for row in rows if row not in self._changed and row not in self._read]
        self._read.update(zip(new, self._images.take(np.array(new, np.int64)), strict=True))

    def is_live(self, row: int) -> bool:
        """Return whether the image is not deleted."""
        return bool(self._live.values[row])

    def rows_with(self, file: PreparedFile) -> list[int]:
        """Return the rows with the content of a file, deleted ones last."""
        found = {
            row
            for digest in (file.source_digest, file.blob.digest)
            for row in self._contents.get(digest, ())
        }
        return sorted(found, key=lambda row: (not self.is_live(row), row))

    def live_copies(self, row: int) -> list[str]:
        """Return the ids of other images with the content of a row that are not deleted."""
        rows = {each for digest in self.contents_of(row) for each in self._contents[digest]}
        return [self.record(each).id for each in sorted(rows - {row}) if self.is_live(each)]

    def contents_of(self, row: int) -> tuple[str, str]:
        """Return the digests of the source file and of the stored file."""
        record = self.record(row)
        return record.source_digest, record.digest

    def find_alike(self, thumbnail: Pixels, row: int) -> Alike:
        """Return the near-duplicates of the content of a row among all other rows."""
        return self._comparison.find(thumbnail, row)

    def thumbnail(self, row: int) -> Pixels:
        """Return the thumbnail of a row, uint8 of shape (16, 17, 3)."""
        return self._comparison.thumbnail(row)

    def copy_of(self, alike: Alike, label: str | None) -> int | None:
        """Return the closest live image with a nearly identical thumbnail and another label."""
        labels = [self._labels[row] if self.is_live(row) else None for row in alike.rows.tolist()]
        return alike.copy(label, labels)

    def placed(self, row: int, record: StoredImage, alike: Alike) -> dict[int, StoredImage]:
        """Return the changed records if a row gets this record, each in its place in the split.

        The row is new, has new content, or has its first label; `alike` are its near-duplicates.
        The result is that of `place` for all images.
        """
        is_placed = self._is_placed(row, record)
        if not is_placed and not len(alike.rows) and record.photographer_id is None:
            return {row: record.model_copy(update=self._place_alone(row, record))}
        part = _part(record) if is_placed else Part.NEW
        group = record.group if is_placed else NEW
        others = self._related(row, record, alike, group)
        groups = _Numbers(np.append(self._groups.values[others], group))
        table = self._table(others, record, groups.local, part)
        last = len(others)
        replaced = np.array([last] if part != Part.NEW else [], np.int64)
        near = np.searchsorted(others, alike.rows)
        placement = place(table, _links(table, replaced, near), replaced, self._seed)
        count = max(self._count_groups(row, is_placed), group + 1)
        after = groups.restored(placement.groups, count)
        places = Places(after, placement.parts, placement.reasons)
        moved = placement.parts != table.parts
        changed = {row: record}
        for position in np.flatnonzero(moved | (after != groups.given)).tolist():
            number = row if position == last else int(others[position])
            columns = places.columns_of(position)
            if not moved[position]:
                columns = {"group": columns["group"]}
            before = record if number == row else self.record(number)
            changed[number] = before.model_copy(update=columns)
        return changed

    def placed_again(self, row: int, record: StoredImage) -> dict[int, StoredImage]:
        """Return the changed records if an image without a label gets one.

        An image that had a label before gets its earlier part back, or joins the pool if it would
        link two parts. Otherwise a model could be evaluated on an image that it learned from.
        """
        columns = place_before(record.pool_reason)
        if columns is not None:
            own = int(self._groups.values.max(initial=NEW)) + 1
            record = record.model_copy(update={**columns, "group": own})
            if record.split == "pool":
                return {row: record}
        return self.placed(row, record, self.find_alike(self.thumbnail(row), row))

    def without_place(self, record: StoredImage) -> StoredImage:
        """Return a record in the pool, with its earlier part as the reason."""
        reason = reason_without_label(_part(record), record.pool_reason)
        return record.model_copy(update={"split": "pool", "tuning": False, "pool_reason": reason})

    def _place_alone(self, row: int, record: StoredImage) -> dict[str, Any]:
        """Return the columns of the place of an image that nothing links to another."""
        counts = self._count_beside(record, np.empty(0, np.int64))
        part = place_alone(record.label, counts, self._seed)
        reasons = {0: NO_LABEL} if record.label is None else {}
        group = self._count_groups(row, is_placed=False)
        return Places(np.array([group]), np.array([part], np.int8), reasons).columns_of(0)

    def set(self, records: Mapping[int, StoredImage]) -> None:
        """Replace the records of rows, or append them in ascending order of rows."""
        for row, record in sorted(records.items()):
            if row == len(self):
                self._row_of[record.id] = row
                self._labels.append(None)
                self._photographers.append(None)
            else:
                self._drop_contents(row)
            self._changed[row] = record
            self._labels[row], self._photographers[row] = record.label, record.photographer_id
            self._label_of.set(row, self._number(record.label))
            self._groups.set(row, record.group)
            self._parts.set(row, _part(record))
            self._live.set(row, record.deleted is None)
            self._add_contents(row, record.source_digest, record.digest)

    def settle(self) -> None:
        """Store changed records as columns, which take less memory, if there are many."""
        self._read.clear()
        if len(self._changed) < _SETTLED:
            return
        changed = Images.of(self._changed.values())
        source = np.arange(len(self))
        source[[*self._changed]] = len(self._images) + np.arange(len(changed))
        both = Images(pa.concat_tables([self._images.table, changed.table]))
        self._images, self._changed = both.take(source), {}

    def set_thumbnail(self, row: int, thumbnail: Pixels) -> None:
        """Replace the thumbnail of a row, or append it."""
        self._comparison.set(row, thumbnail)

    def _is_placed(self, row: int, record: StoredImage) -> bool:
        """Return whether a record has a place, which new images and those with a first label lack.

        A record without a label that gets its earlier part back has one, unlike its row.
        """
        if row == len(self):
            return False
        return self._labels[row] is not None or record.label is None or record.split != "pool"

    def _count_groups(self, row: int, is_placed: bool) -> int:
        """Return the number of group numbers in use, without that of a row to be placed."""
        groups = self._groups.values
        others = groups if is_placed else np.delete(groups, slice(row, row + 1))
        return int(others.max(initial=NEW)) + 1

    def _related(self, row: int, record: StoredImage, alike: Alike, group: int) -> Rows:
        """Return the other rows in all groups that decide about the place of a row, ascending."""
        groups = self._groups.values
        partners = alike.rows
        if record.photographer_id is not None:
            same = (each == record.photographer_id for each in self._photographers)
            partners = np.append(partners, np.flatnonzero(np.fromiter(same, np.bool_, len(self))))
        partners = partners[partners != row]
        related = np.isin(groups, np.append(groups[partners], group))
        if row < len(self):
            related[row] = False
        return np.flatnonzero(related)

    def _table(self, others: Rows, record: StoredImage, groups: Rows, part: int) -> SplitTable:
        """Return the columns of `others` and of a record behind them."""
        rows = others.tolist()
        return SplitTable(
            ids=[*(self.record(row).id for row in rows), record.id],
            labels=[*(self._labels[row] for row in rows), record.label],
            photographers=[*(self._photographers[row] for row in rows), record.photographer_id],
            groups=groups,
            parts=np.append(self._parts.values[others], part).astype(np.int8),
            live=np.append(self._live.values[others], record.deleted is None),
            beside=self._count_beside(record, others),
        )

    def _count_beside(self, record: StoredImage, others: Rows) -> dict[Part, Counter[str]]:
        """Return the numbers of the other live images of one class by part, without `others`."""
        if record.label is None:
            return {}
        counted = self._live.values & (self._label_of.values == self._number(record.label))
        counted[others] = False
        row = self._row_of.get(record.id)
        if row is not None:
            counted[row] = False
        counts = np.bincount(self._parts.values[counted], minlength=len(Part) - 1).tolist()
        return {part: Counter({record.label: counts[part]}) for part in Part if part >= 0}

    def _number(self, label: str | None) -> int:
        return self._label_numbers.setdefault(label, len(self._label_numbers) - 1)

    def _add_contents(self, row: int, *digests: str) -> None:
        for digest in {*digests}:
            self._contents[digest] = (*self._contents.get(digest, ()), row)

    def _drop_contents(self, row: int) -> None:
        for digest in {*self.contents_of(row)}:
            left = tuple(each for each in self._contents[digest] if each != row)
            if left:
                self._contents[digest] = left
            else:
                del self._contents[digest]


class _Numbers:
    """Numbers of groups, and the same groups numbered from 0 in the same order."""

    def __init__(self, given: Rows) -> None:
        self.given = given
        self._numbers = np.unique(given[given != NEW])
        self.local = np.where(given == NEW, NEW, np.searchsorted(self._numbers, given))

    def restored(self, local: Rows, count: int) -> Rows:
        """Return the numbers of groups numbered from 0; new groups are numbered from `count`."""
        numbers = np.append(self._numbers, np.arange(count, count + len(local) + 1))
        return np.asarray(numbers[local], np.int64)


def _links(table: SplitTable, replaced: Rows, near: Rows) -> Links:
    """Return the links of the last row of a table to its near-duplicates, one of each key."""
    keys = link_keys(table, replaced)[near]
    partners = near[np.unique(keys, return_index=True)[1]]
    last = len(table.ids) - 1
    clusters = np.arange(last + 1, dtype=np.int32)
    return Links(np.full(len(partners), last), partners, clusters, {})


def _parts(images: Images) -> "np.ndarray[tuple[int], np.dtype[np.int8]]":
    splits = images.splits
    parts = np.select(
        [splits == "pool", splits == "validation", images.tuning],
        [Part.POOL, Part.VALIDATION, Part.TUNING],
        Part.FIT,
    )
    return parts.astype(np.int8)


def _part(record: StoredImage) -> Part:
    return part_of({"split": record.split, "tuning": record.tuning})
