"""The feature store: photographs and their features as two versioned Lance tables."""

from collections.abc import Collection as Group
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import lance
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from lance.file import LanceFileSession
from pydantic import ValidationError

from embeddings.atomic import flush_folder
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


class StoreDamaged(StoreError):
    """A table of the feature store is there but cannot be read or written."""


def write_images(uri: str, collection: Collection, rows: Iterable[tuple[Photograph, bytes]]) -> int:
    """Replace the table `images` in one atomic commit and return its new version.

    `rows` are photographs with their JPEG bytes; they are written as they come, so the whole
    collection never stands in memory. What they raise is raised here. Raises `StoreDamaged`.
    """
    schema = _IMAGES.with_metadata({_COLLECTION: collection.model_dump_json().encode()})
    failures: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for chunk in _chunks(rows):
                yield _image_batch(chunk, schema)
        except BaseException as error:
            # Lance makes a text of it.
            failures.append(error)
            raise

    path = _table(uri, "images")
    mode = "create" if _open(path) is None else "overwrite"
    reader = pa.RecordBatchReader.from_batches(schema, batches())
    try:
        with _translated(path):
            version = int(lance.write_dataset(reader, path, schema=schema, mode=mode).version)
    except StoreDamaged:
        if failures:
            raise failures[0] from None
        raise
    _flush(path)
    return version


def delete_old_versions(uri: str, images: Group[int], features: Group[int]) -> None:
    """Delete every version of both tables but the newest and those given, and unfinished writes.

    Call it only while no other process can write into the store.
    """
    for name, kept in (("images", images), ("features", features)):
        path = _table(uri, name)
        dataset = _open(path)
        if dataset is None:
            continue
        with _translated(path):
            found = {int(each["version"]) for each in dataset.versions()}
            unused = sorted(found - set(kept) - {int(dataset.version)})
            dataset.cleanup_old_versions(
                # Lance takes no empty list.
                versions=unused or None,
                retain_versions=None if unused else len(found),
                delete_unverified=True,
                error_if_tagged_old_versions=False,
            )


@dataclass(frozen=True)
class ImageTable:
    """The table `images` at one version; rows are addressed by their number."""

    dataset: lance.LanceDataset

    @classmethod
    def open(cls, uri: str, version: int | None = None) -> "ImageTable":
        """Open the newest or the given version.

        Raises `StoreError` where there is none, and `StoreDamaged`.
        """
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
        """Source of the photographs, and the files left out. Raises `StoreError`."""
        try:
            return Collection.model_validate_json(self.dataset.schema.metadata[_COLLECTION])
        except (KeyError, TypeError, ValidationError) as error:
            raise StoreError(
                f"{self.dataset.uri} was written by another version of Belvedere; run `belvedere "
                "data` again."
            ) from error

    @cached_property
    def photographs(self) -> tuple[Photograph, ...]:
        """All photographs without their pixels, in the order of their rows."""
        with _translated(self.dataset.uri):
            rows = self.dataset.to_table(columns=_COLUMNS).to_pylist()
        return tuple(Photograph.model_validate(row) for row in rows)

    def jpeg(self, row: int) -> bytes:
        """The JPEG file of one row, read at random. Raises `StoreDamaged`."""
        with _translated(self.dataset.uri):
            column = self.dataset.take([row], columns=["jpeg"]).column("jpeg")
        return bytes(column[0].as_py())

    def jpegs(self) -> Iterator[bytes]:
        """The JPEG files of all rows in their order, a few at a time. Raises `StoreDamaged`."""
        batches = self.dataset.to_batches(columns=["jpeg"], batch_size=_ROWS_PER_BATCH)
        while True:
            with _translated(self.dataset.uri):
                batch = next(batches, None)
            if batch is None:
                return
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
        with _translated(path):
            if dataset is None:
                lance.write_dataset(rows, path, mode="create")
            else:
                merge = dataset.merge_insert(["id", "encoder"])
                merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)
        _flush(path)

    def read(self, encoder: str, photographs: Sequence[Photograph]) -> dict[str, Encoded]:
        """The features of exactly these files under this encoder, by id."""
        dataset = _open(_table(self.uri, "features"))
        if dataset is None:
            return {}
        digests = {photograph.id: photograph.digest for photograph in photographs}
        with _translated(dataset.uri):
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
    """Open a table; return None where there is no such table or version."""
    try:
        return lance.dataset(path, version=version)
    except (ValueError, OSError) as error:
        with _translated(path):
            if not LanceFileSession(path).list("_versions"):
                return None
            if version is not None:
                found = {int(each["version"]) for each in lance.dataset(path).versions()}
                if version not in found:
                    return None
            raise error


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Turn the errors of Lance and Arrow into `StoreDamaged`."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, pa.ArrowException) as error:
        if isinstance(error, BelvedereError):
            raise
        raise StoreDamaged(_advice(path, str(error))) from error


def _advice(path: str, error: str) -> str:
    # After its first line and comma, Lance names places in its own source.
    reason = error.splitlines()[0].split(", /")[0]
    if "No space left" in error:
        return f"The disk of {path} is full; make room, nothing was left half-written."
    if "os error 13" in error or "os error 30" in error:
        return f"{path} cannot be used ({reason}); give this user access to it."
    if "://" in path:
        return f"{path} cannot be used ({reason}); check BELVEDERE_STORE and that it is reachable."
    return (
        f"The table {path} of the feature store is damaged or cannot be read ({reason}); delete "
        "that folder and run `belvedere data` and `belvedere publish` again."
    )


def _flush(path: str) -> None:
    """Flush a table on a local disk; Lance leaves that to the system."""
    if "://" not in path:
        flush_folder(Path(path))


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
