"""Tables of embeddings and class probabilities, one for each encoder; append only."""

from collections.abc import Sequence
from dataclasses import dataclass

import lance
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from embeddings.arrays import Floats, Mask
from embeddings.encoded import Encoded
from embeddings.store.blobs import positions_of
from embeddings.store.tables import (
    append_rows,
    create_table,
    open_table,
    scan_rows,
    table_uri,
    translate_errors,
)

_FEW = 16
"""Most digests that are filtered for; otherwise all rows are read."""


@dataclass(frozen=True)
class FeatureTable:
    """Table `features/<encoder>`: embedding and probabilities of each digest."""

    uri: str
    encoder: str
    """Fingerprint of the encoder."""

    @property
    def path(self) -> str:
        """URI of the table."""
        return table_uri(self.uri, f"features/{self.encoder}")

    def append(self, digests: Sequence[str], encoded: Encoded) -> None:
        """Append features in one atomic commit. The caller leaves out known digests."""
        rows = pa.table(
            [
                pa.array(digests, pa.string()),
                _column(encoded.embeddings),
                _column(encoded.probabilities),
            ],
            schema=_schema(encoded),
        )
        if open_table(self.path) is None:
            create_table(self.path, _schema(encoded), {})
        append_rows(self.path, rows)

    def known(self) -> set[str]:
        """Return the digests with features."""
        return set(self._digests(open_table(self.path)).to_pylist())

    def digests(self) -> list[str]:
        """Return the digests of all rows in their order."""
        found: list[str] = self._digests(open_table(self.path)).to_pylist()
        return found

    def take(self, rows: Sequence[int]) -> tuple[list[str], Encoded] | None:
        """Return the digests and features of rows by number; None if one does not exist."""
        dataset = open_table(self.path)
        if dataset is None or (rows and max(rows) >= dataset.count_rows()):
            return None
        with translate_errors(self.path):
            found = dataset.take(list(rows)).combine_chunks()
        columns = (found.column(name).combine_chunks() for name in ("embedding", "probabilities"))
        return found.column("digest").to_pylist(), Encoded(*map(_matrix, columns))

    def read(self, digests: Sequence[str]) -> tuple[Mask, Encoded]:
        """Return a mask of the digests with features, and their features in that order."""
        dataset = open_table(self.path)
        if dataset is None:
            empty = np.empty((0, 0), np.float32)
            return np.zeros(len(digests), np.bool_), Encoded(empty, empty)
        few = f"digest IN ({', '.join(map(repr, digests))})" if len(digests) <= _FEW else None
        rows = positions_of(digests, self._digests(dataset, few))
        found = rows >= 0
        embeddings, probabilities = (
            _empty(dataset, name, int(found.sum())) for name in ("embedding", "probabilities")
        )
        columns = {"embedding": embeddings, "probabilities": probabilities}
        for places, chosen, batch in scan_rows(dataset, [*columns], rows[found], few):
            for name, values in columns.items():
                values[places] = _matrix(batch.column(name))[chosen]
        return found, Encoded(embeddings, probabilities)

    def _digests(
        self, dataset: lance.LanceDataset | None, condition: str | None = None
    ) -> pa.ChunkedArray:
        if dataset is None:
            return pa.chunked_array([], pa.string())
        with translate_errors(self.path):
            return dataset.to_table(columns=["digest"], filter=condition).column("digest")


def _schema(encoded: Encoded) -> pa.Schema:
    widths = {
        "embedding": encoded.embeddings.shape[1],
        "probabilities": encoded.probabilities.shape[1],
    }
    lists = [pa.field(name, pa.list_(pa.float32(), width)) for name, width in widths.items()]
    return pa.schema([pa.field("digest", pa.string(), nullable=False), *lists])


def _column(matrix: Floats) -> pa.Array:
    flat = np.ascontiguousarray(matrix, np.float32).ravel()
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), matrix.shape[1])


def _matrix(column: pa.FixedSizeListArray) -> npt.NDArray[np.float32]:
    return np.asarray(column.flatten(), np.float32).reshape(len(column), -1)


def _empty(dataset: lance.LanceDataset, name: str, rows: int) -> npt.NDArray[np.float32]:
    return np.empty((rows, dataset.schema.field(name).type.list_size), np.float32)
