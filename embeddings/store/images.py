"""Table of the stored images, one row per image with its JPEG file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import lance
import pyarrow as pa
from pydantic import ValidationError

from embeddings.store.records import Collection, StoredImage
from embeddings.store.tables import (
    StoreDamaged,
    StoreError,
    flush_table,
    open_table,
    table_uri,
    translate_errors,
)

_COLLECTION = b"belvedere.collection"
_ROWS_PER_BATCH = 128

_COLUMNS = list(StoredImage.model_fields)
_IMAGES = pa.schema(
    [
        pa.field(name, pa.int64() if name in {"width", "height", "group"} else pa.string())
        for name in _COLUMNS
    ]
    + [pa.field("jpeg", pa.large_binary())]
)


def write_images(
    uri: str, collection: Collection, rows: Iterable[tuple[StoredImage, bytes]]
) -> int:
    """Replace the table `images` in one atomic commit and return its new version.

    `rows` yields images with their JPEG bytes and is written in batches, so the collection need
    not fit into memory. Exceptions raised by `rows` are propagated. Raises `StoreDamaged`.
    """
    schema = _IMAGES.with_metadata({_COLLECTION: collection.model_dump_json().encode()})
    failures: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for chunk in _chunks(rows):
                yield _image_batch(chunk, schema)
        except BaseException as error:
            # Lance converts exceptions to text.
            failures.append(error)
            raise

    path = table_uri(uri, "images")
    mode = "create" if open_table(path) is None else "overwrite"
    reader = pa.RecordBatchReader.from_batches(schema, batches())
    try:
        with translate_errors(path):
            version = int(lance.write_dataset(reader, path, schema=schema, mode=mode).version)
    except StoreDamaged:
        if failures:
            raise failures[0] from None
        raise
    flush_table(path)
    return version


@dataclass(frozen=True)
class ImageTable:
    """Table `images` at one version; rows are addressed by row number."""

    dataset: lance.LanceDataset

    @classmethod
    def open(cls, uri: str, version: int | None = None) -> "ImageTable":
        """Open the newest or the given version.

        Raises `StoreError` if it does not exist, and `StoreDamaged`.
        """
        dataset = open_table(table_uri(uri, "images"), version)
        if dataset is None:
            wanted = "" if version is None else f" at version {version}"
            raise StoreError(
                f"The feature store {uri} has no images{wanted}; run `belvedere data` first."
            )
        return cls(dataset)

    @property
    def version(self) -> int:
        """Version of the table, recorded in the manifest of a release."""
        return int(self.dataset.version)

    @cached_property
    def collection(self) -> Collection:
        """Source of the images, and the files left out. Raises `StoreError`."""
        try:
            return Collection.model_validate_json(self.dataset.schema.metadata[_COLLECTION])
        except (KeyError, TypeError, ValidationError) as error:
            raise StoreError(
                f"{self.dataset.uri} was written by another version of Belvedere; run `belvedere "
                "data` again."
            ) from error

    @cached_property
    def images(self) -> tuple[StoredImage, ...]:
        """All images in row order, without their JPEG files. Raises `StoreDamaged`."""
        with translate_errors(self.dataset.uri):
            rows = self.dataset.to_table(columns=_COLUMNS).to_pylist()
        return tuple(StoredImage.model_validate(row) for row in rows)

    def jpeg(self, row: int) -> bytes:
        """Return the JPEG file of one row. Raises `StoreDamaged`."""
        with translate_errors(self.dataset.uri):
            column = self.dataset.take([row], columns=["jpeg"]).column("jpeg")
        return bytes(column[0].as_py())

    def jpegs(self) -> Iterator[bytes]:
        """Yield the JPEG files in row order, read in batches. Raises `StoreDamaged`."""
        batches = self.dataset.to_batches(columns=["jpeg"], batch_size=_ROWS_PER_BATCH)
        while True:
            with translate_errors(self.dataset.uri):
                batch = next(batches, None)
            if batch is None:
                return
            yield from (bytes(value.as_py()) for value in batch.column("jpeg"))


def _image_batch(rows: Sequence[tuple[StoredImage, bytes]], schema: pa.Schema) -> pa.RecordBatch:
    records: list[dict[str, Any]] = [{**image.model_dump(), "jpeg": jpeg} for image, jpeg in rows]
    return pa.RecordBatch.from_pylist(records, schema=schema)


def _chunks(
    rows: Iterable[tuple[StoredImage, bytes]],
) -> Iterator[Sequence[tuple[StoredImage, bytes]]]:
    source = iter(rows)
    while chunk := list(islice(source, _ROWS_PER_BATCH)):
        yield chunk
