"""Vector index: its protocol, and the kinds of index by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Literal, Protocol

import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Rows

IndexKind = Literal["flat", "hnsw"]
"""`flat` compares with every embedding; `hnsw` follows a graph and may miss one."""

SearchKind = Literal[IndexKind, "ivf"]
"""Kind of a search; `ivf`, the kind of the neighbour graph of a large collection, searches the
nearest clusters and may miss a neighbour."""

_BUILDERS: dict[IndexKind, str] = {
    "flat": "embeddings.index.flat:FlatIndex",
    "hnsw": "embeddings.index.hnsw:HnswIndex",
}
"""Callable (ids, embeddings) -> `VectorIndex` of each kind, as module:name."""


@dataclass(frozen=True)
class Neighbors:
    """Nearest rows of an index in ascending order of distance; ties are ordered by id."""

    rows: Rows
    """Shape (k,): row numbers."""
    distances: Doubles
    """Shape (k,): Euclidean distances, not squared."""
    kind: SearchKind = "flat"
    """Kind of the search that found them."""

    @property
    def exact(self) -> bool:
        """True if the search compared the query with every eligible row."""
        return self.kind == "flat"


class VectorIndex(Protocol):
    """Nearest-neighbour index over embeddings of shape (n, dimension)."""

    def __len__(self) -> int: ...

    def search(
        self,
        query: Floats,
        k: int,
        *,
        exclude: int | None = None,
        among: Mask | None = None,
        exact: bool = False,
    ) -> Neighbors:
        """Return the `k` rows nearest to `query` of shape (dimension,), or all rows if fewer.

        `exclude` is a row to leave out (the query itself); `among`, a mask of shape (n,), selects
        the eligible rows. With `exact`, an approximate index compares the query with all of them.
        Raises ValueError if k < 1 or the dimension differs.
        """
        ...


def build_index(kind: IndexKind, ids: Sequence[str], embeddings: Floats) -> VectorIndex:
    """Build an index of a kind over embeddings of shape (n, dimension), float32.

    `ids` has length n and breaks ties. The module of the kind is imported on first use.
    """
    build: Callable[[Sequence[str], Floats], VectorIndex] = resolve_name(_BUILDERS[kind])
    return build(ids, embeddings)


def validate_query(query: Floats, k: int, embeddings: Floats) -> Floats:
    """Return the query as a contiguous float32 array of shape (dimension,).

    Raises ValueError if k < 1 or the dimension differs.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1 neighbour.")
    query = np.ascontiguousarray(query, dtype=np.float32)
    if query.shape != embeddings.shape[1:]:
        raise ValueError(
            f"The query has shape {query.shape}; the index needs shape {embeddings.shape[1:]}."
        )
    return query
