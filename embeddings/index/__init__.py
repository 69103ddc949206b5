"""Protocol of an index of embeddings, and the kinds that implement it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Literal, Protocol

import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Rows

IndexKind = Literal["flat", "hnsw"]
"""`flat` compares with every embedding; `hnsw` follows a graph and may miss one."""

_BUILDERS: dict[IndexKind, str] = {
    "flat": "embeddings.index.flat:FlatIndex",
    "hnsw": "embeddings.index.hnsw:HnswIndex",
}
"""Callable (ids, embeddings) -> `VectorIndex` of each kind, as module:name."""


@dataclass(frozen=True)
class Neighbors:
    """The nearest rows of the index, nearest first; ties go to the smaller id."""

    rows: Rows
    """Shape (k,): row numbers."""
    distances: Doubles
    """Shape (k,): Euclidean distances, not squared."""
    kind: IndexKind = "flat"
    """Which index found them."""

    @property
    def exact(self) -> bool:
        """Whether no nearer row can have been missed."""
        return self.kind == "flat"


class VectorIndex(Protocol):
    """What any index of embeddings of shape (n, dimension) can be asked."""

    def __len__(self) -> int: ...

    @property
    def embeddings(self) -> Floats:
        """Shape (n, dimension): what is searched, row by row."""
        ...

    def search(
        self, query: Floats, k: int, *, exclude: int | None = None, among: Mask | None = None
    ) -> Neighbors:
        """The `k` nearest rows to `query` of shape (dimension,), or all where there are fewer.

        `exclude` leaves one row out (the query itself); `among`, a mask of shape (n,), keeps only
        the rows where it is true. Raises ValueError where k < 1 or the dimension differs.
        """
        ...


def build_index(kind: IndexKind, ids: Sequence[str], embeddings: Floats) -> VectorIndex:
    """Build an index of a kind over embeddings of shape (n, dimension), float32.

    `ids` has length n and breaks ties. The module of the kind is imported on first use.
    """
    build: Callable[[Sequence[str], Floats], VectorIndex] = resolve_name(_BUILDERS[kind])
    return build(ids, embeddings)


def validate_query(query: Floats, k: int, embeddings: Floats) -> Floats:
    """The query as FAISS wants it. Raises ValueError where it cannot be asked."""
    if k < 1:
        raise ValueError(f"k is {k}; ask for at least one neighbour.")
    query = np.ascontiguousarray(query, dtype=np.float32)
    if query.shape != embeddings.shape[1:]:
        raise ValueError(
            f"The query has shape {query.shape}; the index holds {embeddings.shape[1:]}."
        )
    return query
