"""The feature store: photographs and their features as two versioned Lance tables."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import lance
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from embeddings.encoder import Encoded
from embeddings.errors import BelvedereError
from embeddings.photographs import Collection, Photograph

_COLLECTION = b"belvedere.collection"
_ROWS_PER_BATCH = 128

_COLUMNS = list(Photograph.model_fields)
_IMAGES = pa.schema(
    [
        pa.field(name, pa.int64() if name in {"width", "height", "group"} else pa.string())
        for name in _COLUMNS
    ]
    + [pa.field("jpeg", pa.large_binary())]
)
_FEATURES = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("encoder", pa.string()),
        pa.field("digest", pa.string()),
        pa.field("embedding", pa.list_(pa.float32())),
        pa.field("probabilities", pa.list_(pa.float32())),
    ]
)


class StoreError(BelvedereError):
    """The feature store is missing or does not hold what was asked for."""


def write_images(uri: str, collection: Collection, rows: Iterable[tuple[Photograph, bytes]]) -> int:
    """Replace the table `images` in one atomic commit and return its new version.

    `rows` are photographs with their JPEG bytes; they are written as they come, so the whole
    collection never stands in memory.
    """
    schema = _IMAGES.with_metadata({_COLLECTION: collection.model_dump_json().encode()})
    batches = (_image_batch(chunk, schema) for chunk in _chunks(rows))
    path = _table(uri, "images")
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    mode = "create" if _open(path) is None else "overwrite"
    return int(lance.write_dataset(reader, path, schema=schema, mode=mode).version)


@dataclass(frozen=True)
class ImageTable:
    """The table `images` at one version; rows are addressed by their number."""

    dataset: lance.LanceDataset

    @classmethod
    def open(cls, uri: str, version: int | None = None) -> "ImageTable":
        """Open the newest or the given version. Raises `StoreError` where there is none."""
        dataset = _open(_table(uri, "images"), version)
        if dataset is None:
            wanted = "" if version is None else f" at version {version}"
            raise StoreError(
                f"The feature store {uri} has no images{wanted}; run `belvedere data` first."
            )
        return cls(dataset)

    @property
    def version(self) -> int:
        """Version of the table, as written into a release."""
        return int(self.dataset.version)

    @cached_property
    def collection(self) -> Collection:
        """Where the photographs came from and what was left out."""
        return Collection.model_validate_json(self.dataset.schema.metadata[_COLLECTION])

    @cached_property
    def photographs(self) -> tuple[Photograph, ...]:
        """All photographs without their pixels, in the order of their rows."""
        rows = self.dataset.to_table(columns=_COLUMNS).to_pylist()
        return tuple(Photograph.model_validate(row) for row in rows)

    def jpeg(self, row: int) -> bytes:
        """The JPEG file of one row, read at random."""
        column = self.dataset.take([row], columns=["jpeg"]).column("jpeg")
        return bytes(column[0].as_py())

    def jpegs(self) -> Iterator[bytes]:
        """The JPEG files of all rows in their order, a few at a time."""
        for batch in self.dataset.to_batches(columns=["jpeg"], batch_size=_ROWS_PER_BATCH):
            yield from (bytes(value.as_py()) for value in batch.column("jpeg"))


@dataclass(frozen=True)
class FeatureTable:
    """The table `features`: what each encoder says of each photograph."""

    uri: str

    @property
    def version(self) -> int:
        """Version of the table, as written into a release."""
        dataset = _open(_table(self.uri, "features"))
        if dataset is None:
            raise StoreError(f"The feature store {self.uri} has no features; publish first.")
        return int(dataset.version)

    def upsert(self, encoder: str, photographs: Sequence[Photograph], encoded: Encoded) -> None:
        """Add or replace the features of these photographs under this encoder, atomically."""
        rows = pa.table(
            [
                pa.array([photograph.id for photograph in photographs]),
                pa.array([encoder] * len(photographs)),
                pa.array([photograph.digest for photograph in photographs]),
                _lists(encoded.embeddings),
                _lists(encoded.probabilities),
            ],
            schema=_FEATURES,
        )
        path = _table(self.uri, "features")
        dataset = _open(path)
        if dataset is None:
            lance.write_dataset(rows, path, mode="create")
            return
        merge = dataset.merge_insert(["id", "encoder"])
        merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def read(self, encoder: str, photographs: Sequence[Photograph]) -> dict[str, Encoded]:
        """The features of exactly these files under this encoder, by id."""
        dataset = _open(_table(self.uri, "features"))
        if dataset is None:
            return {}
        digests = {photograph.id: photograph.digest for photograph in photographs}
        table = dataset.to_table(filter=f"encoder = '{encoder}'")
        return {
            row["id"]: Encoded(
                np.asarray([row["embedding"]], np.float32),
                np.asarray([row["probabilities"]], np.float32),
            )
            for row in table.to_pylist()
            if digests.get(row["id"]) == row["digest"]
        }


def _table(uri: str, name: str) -> str:
    return f"{uri.rstrip('/')}/{name}.lance"


def _open(path: str, version: int | None = None) -> lance.LanceDataset | None:
    try:
        return lance.dataset(path, version=version)
    except ValueError as error:
        if "was not found" in str(error):
            return None
        raise


def _image_batch(rows: Sequence[tuple[Photograph, bytes]], schema: pa.Schema) -> pa.RecordBatch:
    records: list[dict[str, Any]] = [
        {**photograph.model_dump(), "jpeg": jpeg} for photograph, jpeg in rows
    ]
    return pa.RecordBatch.from_pylist(records, schema=schema)


def _lists(matrix: npt.NDArray[np.float32]) -> pa.Array:
    count, width = matrix.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(matrix.ravel()))


def _chunks(
    rows: Iterable[tuple[Photograph, bytes]],
) -> Iterator[Sequence[tuple[Photograph, bytes]]]:
    source = iter(rows)
    while chunk := list(islice(source, _ROWS_PER_BATCH)):
        yield chunk
