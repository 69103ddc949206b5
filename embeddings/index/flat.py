"""Exact index: Euclidean distances to all embeddings."""

from collections.abc import Sequence

import faiss
import numpy as np

from embeddings.arrays import Floats, Mask, Rows
from embeddings.index import IndexKind, Neighbors, validate_query
from embeddings.index.distances import ROUNDING, exact_distances


def rank_ids(ids: Sequence[str]) -> Rows:
    """Return the rank of each id in ascending order, shape (n,)."""
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[np.argsort(np.asarray(ids, dtype=object), kind="stable")] = np.arange(len(ids))
    return ranks


class FlatIndex:
    """Exact search over embeddings of shape (n, dimension), float32.

    FAISS finds candidates; they are reranked by distances in double precision, so that the order
    does not depend on single-precision rounding. `flat` is a FAISS index that contains the same
    embeddings, if there is one.
    """

    def __init__(
        self, ids: Sequence[str], embeddings: Floats, flat: faiss.IndexFlat | None = None
    ) -> None:
        self._embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        self._order_of_ids = rank_ids(ids)
        if flat is None:
            flat = faiss.IndexFlatL2(self._embeddings.shape[1])
            flat.add(self._embeddings)
        self._index = flat

    def __len__(self) -> int:
        return len(self._embeddings)

    @property
    def embeddings(self) -> Floats:
        """Shape (n, dimension): the indexed embeddings."""
        return self._embeddings

    def search(
        self,
        query: Floats,
        k: int,
        *,
        exclude: int | None = None,
        among: Mask | None = None,
        exact: bool = True,
    ) -> Neighbors:
        """Implement `VectorIndex.search`."""
        query = validate_query(query, k, self._embeddings)
        mask = self._mask(exclude, among)
        eligible = len(self) if mask is None else int(mask.sum())
        if eligible == 0:
            return Neighbors(np.empty(0, np.int64), np.empty(0, np.float64))
        return self._search(query, min(k, eligible), mask, eligible)

    def _mask(self, exclude: int | None, among: Mask | None) -> Mask | None:
        """Return the mask of eligible rows; None selects all rows and avoids the lookup."""
        if exclude is None:
            return among
        mask = np.ones(len(self), dtype=np.bool_) if among is None else among.copy()
        mask[exclude] = False
        return mask

    def _search(self, query: Floats, k: int, mask: Mask | None, eligible: int) -> Neighbors:
        """Increase the number of candidates until no other row can be among the nearest."""
        parameters = None
        if mask is not None:
            packed = np.packbits(mask, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(packed))
        candidates = k + 8
        while True:
            candidates = min(candidates, eligible)
            squared, found = self._index.search(query[None], candidates, params=parameters)
            nearest = self.rerank(query, found[0], k)
            horizon = float(np.sqrt(squared[0, -1] * (1 - ROUNDING)))
            if candidates == eligible or nearest.distances[-1] < horizon:
                return nearest
            candidates *= 4

    def rerank(self, query: Floats, rows: Rows, k: int, kind: IndexKind = "flat") -> Neighbors:
        """Return the `k` nearest of these rows by double-precision distance.

        `kind` is the kind of the index that found them.
        """
        distances = exact_distances(query, self._embeddings[rows])
        order = np.lexsort((self._order_of_ids[rows], distances))[:k]
        return Neighbors(rows[order], distances[order], kind)
