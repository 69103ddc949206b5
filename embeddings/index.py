"""The exact index: nearest photographs by Euclidean distance."""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from embeddings.runtime import Floats

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Bounds the rounding of FAISS' single-precision squared distances, relative to them.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class Neighbors:
    """The nearest rows of the index, nearest first; ties go to the smaller id."""

    rows: Rows
    """Shape (k,): row numbers."""
    distances: npt.NDArray[np.float64]
    """Shape (k,): Euclidean distances, not squared."""


class FlatIndex:
    """Exact search over embeddings of shape (n, dimension), float32.

    FAISS finds the candidates; their distances are then computed in double precision, so the order
    does not depend on how single precision rounds.
    """

    def __init__(self, ids: Sequence[str], embeddings: Floats) -> None:
        self._embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        self._order_of_ids = np.empty(len(ids), dtype=np.int64)
        self._order_of_ids[np.argsort(np.asarray(ids, dtype=object), kind="stable")] = np.arange(
            len(ids)
        )
        self._index = faiss.IndexFlatL2(self._embeddings.shape[1])
        self._index.add(self._embeddings)

    def __len__(self) -> int:
        return len(self._embeddings)

    @property
    def embeddings(self) -> Floats:
        """Shape (n, dimension): what is searched, row by row."""
        return self._embeddings

    def search(
        self, query: Floats, k: int, *, exclude: int | None = None, among: Mask | None = None
    ) -> Neighbors:
        """The `k` nearest rows to `query` of shape (dimension,), or all where there are fewer.

        `exclude` leaves one row out (the query itself); `among`, a mask of shape (n,), keeps only
        the rows where it is true. Raises ValueError where k < 1 or the dimension differs.
        """
        if k < 1:
            raise ValueError(f"k is {k}; ask for at least one neighbour.")
        query = np.ascontiguousarray(query, dtype=np.float32)
        if query.shape != self._embeddings.shape[1:]:
            raise ValueError(
                f"The query has shape {query.shape}; the index holds {self._embeddings.shape[1:]}."
            )
        mask = np.ones(len(self), dtype=np.bool_) if among is None else among.copy()
        if exclude is not None:
            mask[exclude] = False
        eligible = int(mask.sum())
        k = min(k, eligible)
        if k == 0:
            return Neighbors(np.empty(0, np.int64), np.empty(0, np.float64))
        return self._search(query, k, mask, eligible)

    def _search(self, query: Floats, k: int, mask: Mask, eligible: int) -> Neighbors:
        """Widen the candidates until no row outside them can belong to the answer."""
        packed = np.packbits(mask, bitorder="little")
        parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(packed))
        candidates = k + 8
        while True:
            candidates = min(candidates, eligible)
            squared, found = self._index.search(query[None], candidates, params=parameters)
            rows = found[0]
            distances = self._distances(query, rows)
            order = np.lexsort((self._order_of_ids[rows], distances))[:k]
            horizon = float(np.sqrt(squared[0, -1] * (1 - _ROUNDING)))
            if candidates == eligible or distances[order[-1]] < horizon:
                return Neighbors(rows[order], distances[order])
            candidates *= 4

    def _distances(self, query: Floats, rows: Rows) -> npt.NDArray[np.float64]:
        difference = self._embeddings[rows].astype(np.float64) - query.astype(np.float64)
        distances: npt.NDArray[np.float64] = np.linalg.norm(difference, axis=1)
        return distances
