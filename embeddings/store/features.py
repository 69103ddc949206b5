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
        """Append the features of these digests in one atomic commit; known digests are skipped."""
        known = positions_of(digests, self._digests(open_table(self.path))) >= 0
        new = [digest for digest, skip in zip(digests, known, strict=True) if not skip]
        if not new:
            return
        rows = pa.table(
            [
                pa.array(new, pa.string()),
                _column(encoded.embeddings[~known]),
                _column(encoded.probabilities[~known]),
            ],
            schema=_schema(encoded),
        )
        if open_table(self.path) is None:
            create_table(self.path, _schema(encoded), {})
        append_rows(self.path, rows)

    def known(self) -> set[str]:
        """Return the digests with features."""
        return set(self._digests(open_table(self.path)).to_pylist())

    def read(self, digests: Sequence[str]) -> tuple[Mask, Encoded]:
        """Return a mask of the digests with features, and their features in that order."""
        dataset = open_table(self.path)
        if dataset is None:
            empty = np.empty((0, 0), np.float32)
            return np.zeros(len(digests), np.bool_), Encoded(empty, empty)
        few = f"digest IN ({', '.join(map(repr, digests))})" if len(digests) <= _FEW else None
        with translate_errors(self.path):
            table = dataset.to_table(columns=["digest", "embedding", "probabilities"], filter=few)
        rows = positions_of(digests, table.column("digest"))
        found = rows >= 0
        embeddings, probabilities = (
            _matrix(table.column(name))[rows[found]] for name in ("embedding", "probabilities")
        )
        return found, Encoded(embeddings, probabilities)

    def _digests(self, dataset: lance.LanceDataset | None) -> pa.ChunkedArray:
        if dataset is None:
            return pa.chunked_array([], pa.string())
        with translate_errors(self.path):
            return dataset.to_table(columns=["digest"]).column("digest")


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


def _matrix(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    values = column.combine_chunks()
    return np.asarray(values.flatten(), np.float32).reshape(len(values), -1)
