"""Records of stored images, blobs, decisions and ingested files."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, JsonValue

from embeddings.arrays import Mask, Rows
from embeddings.frozen_model import FrozenModel
from embeddings.store.split import Split

GENERATED_SCENES = "generated scenes"

REVIEW_TIME = "reviewed"
"""Attribute with the time of the last review of the image, in ISO 8601."""

LOCATION = "location"
"""Attribute with the place of the image, which leaves the store only on demand."""

_PRIMARY_KEY = {b"lance-schema:unenforced-primary-key": b"true"}
_TIME = pa.timestamp("us", "UTC")
_TAG_LENGTH = 16


class StoredImage(FrozenModel):
    """Record of a stored image."""

    id: str = Field(description="Name, fixed at the first ingest.")
    label: str | None = Field(description="Class; null for an image without a label.")
    split: Split
    tuning: bool = Field(False, description="True for the tuning part of the training set.")
    group: int = Field(
        description="Images of one group are never on both sides of the split; its number."
    )
    digest: str = Field(description="SHA-256 of the stored JPEG file.")
    source_digest: str = Field(description="SHA-256 of the source file.")
    width: int = Field(description="Upright width in pixels.")
    height: int = Field(description="Upright height in pixels.")
    title: str | None = None
    photographer: str | None = None
    photographer_id: str | None = None
    licence: str | None = Field(None, description="Licence code in the published licence lists.")
    url: str | None = Field(None, description="URL of the published file.")
    attributes: dict[str, JsonValue] = Field({}, description="Facts such as `taken`, `camera`.")
    source: str | None = Field(None, description="Data set of the file: its path or name.")
    path: str | None = Field(None, description="Path of the source file in that data set.")
    tags: tuple[str, ...] = ()
    pool_reason: str | None = Field(None, description="Reason for being in the pool.")
    added: datetime | None = Field(None, description="Time of the first ingest, UTC.")
    changed: datetime | None = Field(None, description="Time of the last change, UTC.")
    deleted: datetime | None = Field(None, description="Time of the deletion, UTC.")


IMAGE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata=_PRIMARY_KEY),
        pa.field("label", pa.string()),
        pa.field("split", pa.string()),
        pa.field("tuning", pa.bool_()),
        pa.field("group", pa.int64()),
        pa.field("digest", pa.string()),
        pa.field("source_digest", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        *(
            pa.field(name, pa.string())
            for name in ("title", "photographer", "photographer_id", "licence", "url")
        ),
        pa.field("attributes", pa.string()),
        pa.field("source", pa.string()),
        pa.field("path", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("pool_reason", pa.string()),
        pa.field("added", _TIME),
        pa.field("changed", _TIME),
        pa.field("deleted", _TIME),
    ]
)
"""Columns of the table `images`."""


FINGERPRINTED = ("id", "label", "split", "tuning", "group", "digest")
"""Columns that a fingerprint of images covers."""


class Images(Sequence[StoredImage]):
    """Stored images as columns of an Arrow table; a record is created on access to its row."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table.combine_chunks()

    @classmethod
    def of(cls, records: Iterable[StoredImage]) -> "Images":
        """Return records as columns, in their order."""
        rows = [_as_row(record) for record in records]
        return cls(pa.Table.from_pylist(rows, schema=IMAGE_SCHEMA))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, row: int) -> StoredImage: ...
    @overload
    def __getitem__(self, row: slice) -> "Images": ...
    def __getitem__(self, row: int | slice) -> "StoredImage | Images":
        if isinstance(row, slice):
            return self.take(np.arange(len(self))[row])
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        position = int(row) % len(self)
        return _as_record({name: column[position].as_py() for name, column in self._arrays})

    def __iter__(self) -> Iterator[StoredImage]:
        for batch in self.table.to_batches(max_chunksize=1024):
            yield from map(_as_record, batch.to_pylist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Images) and self.table.equals(other.table)

    def take(self, rows: Rows | Mask) -> "Images":
        """Return the images of these row numbers, or of a mask of shape (n,)."""
        chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Images(self.table.take(pa.array(chosen, pa.int64())))

    def stamped(self, now: datetime) -> "Images":
        """Return the images changed at a time, which is also the time of adding if it is unset."""
        table = self.table
        times = {
            "added": pc.fill_null(table.column("added"), pa.scalar(now, _TIME)),
            "changed": pa.array([now] * len(self), _TIME),
        }
        for name, values in times.items():
            table = table.set_column(table.schema.get_field_index(name), name, values)
        return Images(table.cast(IMAGE_SCHEMA))

    @cached_property
    def _arrays(self) -> tuple[tuple[str, pa.Array], ...]:
        # Access to one value is slower through a chunked column.
        return tuple((field.name, self.array(field.name)) for field in self.table.schema)

    def array(self, name: str) -> pa.Array:
        """Return a column as one Arrow array, without a copy."""
        column = self.table.column(name)
        return column.chunk(0) if column.num_chunks else pa.array([], column.type)

    def column(self, name: str) -> list[Any]:
        """Return a column as a list."""
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    @cached_property
    def ids(self) -> list[str]:
        """Ids in row order."""
        return self.column("id")

    @cached_property
    def labels(self) -> list[str | None]:
        """Labels in row order."""
        return self.column("label")

    @cached_property
    def splits(self) -> npt.NDArray[np.object_]:
        """Shape (n,): `train`, `validation` or `pool`."""
        return np.array(self.column("split"), dtype=object)

    @cached_property
    def tuning(self) -> Mask:
        """Shape (n,): true for the tuning part of the training set."""
        return np.array(self.column("tuning"), dtype=np.bool_)

    @cached_property
    def groups(self) -> Rows:
        """Shape (n,): group numbers."""
        return np.array(self.column("group"), dtype=np.int64)

    @cached_property
    def digests(self) -> list[str]:
        """SHA-256 of the stored JPEG files in row order."""
        return self.column("digest")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Labels in alphabetical order."""
        return tuple(sorted({label for label in self.labels if label is not None}))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over ids in their order, labels, splits, groups and digests."""
        facts = [self.column(name) for name in FINGERPRINTED]
        return sha256(json.dumps(facts).encode()).hexdigest()

    @cached_property
    def name(self) -> str:
        """Display name of the collection: its largest source, or `generated scenes` if it has any.

        Of a source with a path, the last part is shown.
        """
        sources = Counter(source for source in self.column("source") if source)
        if GENERATED_SCENES in sources:
            return GENERATED_SCENES
        if not sources:
            return ""
        source, _ = min(sources.items(), key=lambda item: (-item[1], item[0]))
        return source_name(source)


def reviewed(record: StoredImage, at: datetime | None) -> StoredImage:
    """Return a record that was reviewed at a time; None for a review that is taken back."""
    attributes = {name: each for name, each in record.attributes.items() if name != REVIEW_TIME}
    if at is not None:
        attributes[REVIEW_TIME] = at.astimezone(UTC).isoformat()
    return record.model_copy(update={"attributes": attributes})


def record_tag(image: StoredImage) -> str:
    """Return a tag of the contents of a record that a client can change; equal records have one.

    The attributes contain the time of the last review, so that the tag covers reviews, too.
    """
    facts = (image.id, image.digest, image.label, image.split, image.tags, image.attributes)
    content = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(content.encode()).hexdigest()[:_TAG_LENGTH]


def source_name(source: str) -> str:
    """Return the display name of a source; for a path, `<last part> photographs`."""
    if "/" not in source:
        return source
    name = PurePosixPath(source).name
    return f"{name.removesuffix('.zip').removesuffix('.ZIP')} photographs"


def _as_row(record: StoredImage) -> dict[str, Any]:
    return {**record.__dict__, "attributes": json.dumps(record.attributes), "tags": [*record.tags]}


def _as_record(row: dict[str, Any]) -> StoredImage:
    attributes, tags = json.loads(row["attributes"] or "{}"), tuple(row["tags"] or ())
    return StoredImage.model_construct(**{**row, "attributes": attributes, "tags": tags})


class Blob(NamedTuple):
    """JPEG file of the store."""

    digest: str
    """SHA-256 of `jpeg`."""
    jpeg: bytes
    width: int
    height: int
    thumbnail: bytes
    """RGB of shape (16, 17, 3), uint8."""


class Decision(NamedTuple):
    """Row of the label journal: one decision about one image."""

    id: str
    before: str | None
    after: str | None
    by: str
    """Name of the person or command."""
    why: str
    """One of `decision_kinds`, or `model:` and a fingerprint. Most leave the label as it is."""
    undoes: str | None = None
    """Key of the decision that this one takes back."""


class RecordedDecision(NamedTuple):
    """Decision with its key and time, as read from the journal."""

    key: str
    at: datetime
    decision: Decision


class FileEntry(NamedTuple):
    """Row of the ledger of ingested files."""

    source: str
    path: str
    size: int
    """Size in bytes."""
    state: str
    """Version of the content, such as its modification time."""
    source_digest: str | None
    """SHA-256 of the source file; None if it was not read."""
    digest: str | None
    """SHA-256 of the stored JPEG file; None if the file was rejected."""
    id: str | None
    outcome: str
    reason: str = ""
