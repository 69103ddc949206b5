"""Protocol of an index of embeddings, and the kinds that implement it."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from embeddings.runtime import Floats

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

IndexKind = Literal["flat", "hnsw"]
"""`flat` compares with every embedding; `hnsw` follows a graph and may miss one."""


@dataclass(frozen=True)
class Neighbors:
    """The nearest rows of the index, nearest first; ties go to the smaller id."""

    rows: Rows
    """Shape (k,): row numbers."""
    distances: npt.NDArray[np.float64]
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
