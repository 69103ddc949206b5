"""Table of JPEG files and their thumbnails, keyed by the digest of the file; append only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.arrays import Pixels, Rows
from embeddings.store.records import Blob
from embeddings.store.tables import (
    StoreError,
    append_rows,
    open_table,
    scan_rows,
    table_uri,
    translate_errors,
)

THUMBNAIL_SHAPE = (16, 17, 3)
"""Height, width and channels of a thumbnail."""

THUMBNAIL_BYTES = 16 * 17 * 3
_ROWS_PER_BATCH = 128

BLOB_SCHEMA = pa.schema(
    [
        pa.field("digest", pa.string(), nullable=False),
        pa.field("jpeg", pa.large_binary()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("thumbnail", pa.binary(THUMBNAIL_BYTES)),
    ]
)


@dataclass(frozen=True)
class Blobs:
    """Table `blobs` at one version; rows are addressed by row number."""

    dataset: lance.LanceDataset
    digests: pa.ChunkedArray

    def rows_of(self, digests: Sequence[str] | pa.Array) -> Rows:
        """Return the row number of each digest; -1 for a missing one."""
        return positions_of(digests, self.digests)

    def jpeg(self, row: int) -> bytes:
        """Return the JPEG file of one row. Raises `StoreDamaged`."""
        return read_jpeg(self.dataset, row)

    def jpegs(self, rows: Rows) -> Iterator[bytes]:
        """Yield the JPEG files of these rows in their order, read in batches.

        Raises `StoreDamaged`.
        """
        for start in range(0, len(rows), _ROWS_PER_BATCH):
            yield from self._batch(rows[start : start + _ROWS_PER_BATCH])

    def _batch(self, rows: Rows) -> Iterator[bytes]:
        # Neighbouring rows are read at once in ascending order.
        ascending, places = np.unique(rows, return_inverse=True)
        with translate_errors(self.dataset.uri):
            column = self.dataset.take(ascending.tolist(), columns=["jpeg"]).column("jpeg")
        yield from (bytes(column[int(place)].as_py()) for place in places)


@dataclass(frozen=True)
class BlobTable:
    """Table `blobs`: JPEG file, size and thumbnail of each digest."""

    uri: str

    @property
    def path(self) -> str:
        """URI of the table."""
        return table_uri(self.uri, "blobs")

    def open(self) -> Blobs:
        """Open the newest version. Raises `StoreError`."""
        dataset = self._dataset()
        with translate_errors(self.path):
            return Blobs(dataset, dataset.to_table(columns=["digest"]).column("digest"))

    def known(self) -> set[str]:
        """Return the digests of all rows. Raises `StoreError`."""
        return set(self.open().digests.to_pylist())

    def append(self, blobs: Sequence[Blob]) -> None:
        """Append rows in one atomic commit. The caller leaves out known digests."""
        if blobs:
            columns = [pa.array(values, field.type) for values, field in _by_column(blobs)]
            append_rows(self.path, pa.table(columns, schema=BLOB_SCHEMA))

    def jpeg(self, digest: str) -> bytes:
        """Return the JPEG file of a digest. Raises `StoreError` if it is missing."""
        dataset = self._dataset()
        with translate_errors(self.path):
            found = dataset.to_table(columns=["jpeg"], filter=f"digest = '{digest}'", limit=1)
        if not len(found):
            raise missing_blob(self.path, digest)
        return bytes(found.column("jpeg")[0].as_py())

    def jpegs(self, digests: Sequence[str]) -> Iterator[bytes]:
        """Yield the JPEG files of these digests in their order.

        Raises `StoreError` if one is missing.
        """
        blobs = self.open()
        rows = blobs.rows_of(digests)
        if (rows < 0).any():
            raise missing_blob(self.path, digests[int(np.argmin(rows))])
        return blobs.jpegs(rows)

    def sizes(self, digests: Sequence[str]) -> Rows:
        """Return the upright width and height in pixels of these files, shape (n, 2).

        Raises `StoreError` if one is missing.
        """
        dataset = self._dataset()
        with translate_errors(self.path):
            table = dataset.to_table(columns=["digest", "width", "height"])
        rows = positions_of(digests, table.column("digest"))
        if (rows < 0).any():
            raise missing_blob(self.path, digests[int(np.argmin(rows))])
        columns = [np.asarray(table.column(name), np.int64)[rows] for name in ("width", "height")]
        return np.stack(columns, axis=1)

    def thumbnails(self, digests: Sequence[str]) -> Pixels:
        """Return the thumbnails of these digests, uint8 of shape (n, 16, 17, 3).

        Raises `StoreError` if one is missing.
        """
        blobs = self.open()
        rows = blobs.rows_of(digests)
        if (rows < 0).any():
            raise missing_blob(self.path, digests[int(np.argmin(rows))])
        thumbnails = np.empty((len(digests), *THUMBNAIL_SHAPE), np.uint8)
        for places, chosen, batch in scan_rows(blobs.dataset, ["thumbnail"], rows):
            thumbnails[places] = _thumbnails(batch.column("thumbnail"))[chosen]
        return thumbnails

    def _dataset(self) -> lance.LanceDataset:
        dataset = open_table(self.path)
        if dataset is None:
            raise StoreError(f"The feature store {self.uri} has no images; run `belvedere data`.")
        return dataset


def read_jpeg(dataset: lance.LanceDataset, row: int) -> bytes:
    """Return the JPEG file of one row of the table. Raises `StoreDamaged`."""
    with translate_errors(dataset.uri):
        column = dataset.take([row], columns=["jpeg"]).column("jpeg")
    return bytes(column[0].as_py())


def _thumbnails(column: pa.FixedSizeBinaryArray) -> Pixels:
    """Return a column without nulls as an array of shape (n, 16, 17, 3)."""
    buffer = column.buffers()[1] if len(column) else b""
    stored = np.frombuffer(buffer, np.uint8)[column.offset * THUMBNAIL_BYTES :]
    return stored[: len(column) * THUMBNAIL_BYTES].reshape(-1, *THUMBNAIL_SHAPE)


def positions_of(wanted: Sequence[str] | pa.Array, stored: pa.ChunkedArray) -> Rows:
    """Return the position of each wanted value in a column; -1 for a missing one."""
    values = wanted if isinstance(wanted, pa.Array) else pa.array(wanted, pa.string())
    if stored[: len(values)].equals(pa.chunked_array([values])):
        # Files and images of a first ingest have one order.
        return np.arange(len(values))
    found = pc.index_in(values, value_set=stored.combine_chunks())
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def missing_blob(path: str, digest: str) -> StoreError:
    """Return the error for a digest without a row."""
    return StoreError(
        f"{path} has no file with the digest {digest}; run `belvedere verify` for all missing "
        "files, and `belvedere add` with the folder of the image to add it again."
    )


def _by_column(blobs: Sequence[Blob]) -> Iterator[tuple[Sequence[object], pa.Field]]:
    return zip(zip(*blobs, strict=True), BLOB_SCHEMA, strict=True)
