"""Next revision of the collection in the making: changed and new images, committed at once."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from embeddings.arrays import Rows
from embeddings.ingest.placement import place_before
from embeddings.store.records import Decision, Images, StoredImage, reviewed
from embeddings.store.split import Split
from embeddings.store.store import Store

_BATCH = 4096

PlaceOf = Callable[[int], Mapping[str, Any]]
"""Returns the columns that describe the place of a new image in the split, by its row."""


@dataclass(frozen=True)
class Licence:
    """Licence entry of one image; None for missing values."""

    title: str | None
    photographer: str | None
    photographer_id: str | None
    licence: str | None
    source: str | None


NO_LICENCE = Licence(None, None, None, None, None)


class NewImage(NamedTuple):
    """Image without a row in the store."""

    id: str
    label: str | None
    source_digest: str
    digest: str
    """SHA-256 of the JPEG file, which is stored already."""
    path: str
    attributes: str
    """Attributes as JSON; empty if there are none."""
    side: Split | None
    """Side of the user's own split."""
    licence: Licence = NO_LICENCE


def _unplaced(row: int) -> Mapping[str, Any]:
    raise LookupError(f"The new image in row {row} has no place in the split.")


@dataclass
class NextRevision:
    """Changes to the images of the store since its newest revision, committed at once."""

    store: Store
    known: Images
    """Images of the newest revision, deleted ones included."""
    source: str
    updates: dict[int, dict[str, Any]] = field(default_factory=dict)
    """New values of columns, by row of `known`."""
    new: list[NewImage] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    sides: dict[int, Split] = field(default_factory=dict)
    """Sides that the user's own split gives to known images, by row."""

    regained: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Columns of the places that known images get back with their labels, by row."""

    def update(self, row: int, **values: Any) -> None:
        """Set columns of a known image."""
        self.updates.setdefault(row, {}).update(values)

    def relabel(self, row: int, label: str) -> None:
        """Set the label of a known image and record the decision."""
        before = self.known.labels[row]
        # The person who reviewed the image has seen its earlier label.
        self.update(row, attributes=reviewed(self.known[row], None).attributes)
        self.set_label(row, label)
        self.decisions.append(Decision(self.known.ids[row], before, label, "add", "import"))

    def set_label(self, row: int, label: str) -> None:
        """Set the label of a known image; one that had a label before gets its part back."""
        self.update(row, label=label)
        if self.known.labels[row] is not None:
            return
        columns = place_before(self.known.column("pool_reason")[row])
        if columns is not None:
            groups = (each["group"] for each in self.regained.values())
            own = max(int(self.known.groups.max()), *groups, -1) + 1
            self.regained[row] = {**columns, "group": own}
            self.update(row, **self.regained[row])

    def column(self, name: str) -> list[Any]:
        """Return a column of all images, the known ones first."""
        values = self.known.column(name)
        for row, changed in self.updates.items():
            if name in changed:
                values[row] = changed[name]
        return values + [_value(image, name) for image in self.new]

    def rows_with(self, name: str) -> Rows:
        """Return the rows of known images with a new value of a column."""
        return np.array(sorted(row for row, each in self.updates.items() if name in each), np.int64)

    @property
    def newly_labelled(self) -> Rows:
        """Rows of known images that get their first label."""
        rows = self.rows_with("label").tolist()
        labels = self.known.labels
        first = [row for row in rows if labels[row] is None and row not in self.regained]
        return np.array(first, np.int64)

    @property
    def returned(self) -> Rows:
        """Rows of known images that get back a side of the split."""
        rows = (row for row, each in self.regained.items() if each["split"] != "pool")
        return np.array(sorted(rows), np.int64)

    @property
    def replaced(self) -> Rows:
        """Rows of known images whose links to others are to be found again."""
        return np.union1d(self.rows_with("digest"), self.returned).astype(np.int64)

    @property
    def sides_differ(self) -> bool:
        """True if the user's own split gives another side to a known image outside of the pool."""
        splits = self.known.splits
        return any(splits[row] not in (side, "pool") for row, side in self.sides.items())

    @property
    def affects_split(self) -> bool:
        """True for changes of content, of links between images, or of the user's own split."""
        columns = ("digest", "photographer_id")
        linked = any(len(self.rows_with(name)) for name in columns)
        labelled = len(self.newly_labelled) or len(self.returned)
        return bool(self.new) or linked or bool(labelled) or self.sides_differ

    def commit(self, place_of: PlaceOf = _unplaced) -> int:
        """Write all changes in one commit and return the revision. Raises `StoreError`."""
        if not self.updates and not self.new:
            return self.store.at().revision
        tables = [Images.of(chunk).table for chunk in _chunks(self._records(place_of))]
        return self.store.put(Images(pa.concat_tables(tables)), self.decisions)

    def _records(self, place_of: PlaceOf) -> Iterator[StoredImage]:
        rows = sorted(self.updates)
        for row, record in zip(rows, self.known.take(np.array(rows, np.int64)), strict=True):
            yield record.model_copy(update=self.updates[row])
        if self.new:
            sizes = self.store.blobs.sizes([image.digest for image in self.new]).tolist()
            for number, (image, size) in enumerate(zip(self.new, sizes, strict=True)):
                yield self._record(image, size, place_of(len(self.known) + number))

    def _record(self, image: NewImage, size: list[int], place: Mapping[str, Any]) -> StoredImage:
        licence = image.licence
        return StoredImage(
            id=image.id,
            label=image.label,
            digest=image.digest,
            source_digest=image.source_digest,
            width=size[0],
            height=size[1],
            title=licence.title,
            photographer=licence.photographer,
            photographer_id=licence.photographer_id,
            licence=licence.licence,
            url=licence.source,
            attributes=json.loads(image.attributes or "{}"),
            source=self.source,
            path=image.path,
            **place,
        )

    def discard(self, rows: Iterable[int]) -> None:
        """Discard new images, and the changes of known ones, by row of all images."""
        dropped = set(rows)
        for row in dropped:
            self.updates.pop(row, None)
            self.regained.pop(row, None)
            self.sides.pop(row, None)
        first = len(self.known)
        self.new = [each for n, each in enumerate(self.new) if first + n not in dropped]
        names = {self.known.ids[row] for row in dropped if row < first}
        self.decisions = [each for each in self.decisions if each.id not in names]


def _value(image: NewImage, name: str) -> Any:
    if name == "photographer_id":
        return image.licence.photographer_id
    return getattr(image, name, None)


def _chunks(images: Iterator[StoredImage]) -> Iterator[list[StoredImage]]:
    while chunk := list(islice(images, _BATCH)):
        yield chunk
