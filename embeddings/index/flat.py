"""The exact index: nearest photographs by Euclidean distance."""

from collections.abc import Sequence

import faiss
import numpy as np

from embeddings.arrays import Floats, Mask, Rows
from embeddings.index import IndexKind, Neighbors, validate_query

# Bounds the rounding of FAISS' single-precision squared distances, relative to them.
_ROUNDING = 1e-4


class FlatIndex:
    """Exact search over embeddings of shape (n, dimension), float32.

    FAISS finds the candidates; their distances are then computed in double precision, so the order
    does not depend on how single precision rounds. An index that holds the same embeddings already
    can be given as `flat`.
    """

    def __init__(
        self, ids: Sequence[str], embeddings: Floats, flat: faiss.IndexFlat | None = None
    ) -> None:
        self._embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        self._order_of_ids = np.empty(len(ids), dtype=np.int64)
        self._order_of_ids[np.argsort(np.asarray(ids, dtype=object), kind="stable")] = np.arange(
            len(ids)
        )
        if flat is None:
            flat = faiss.IndexFlatL2(self._embeddings.shape[1])
            flat.add(self._embeddings)
        self._index = flat

    def __len__(self) -> int:
        return len(self._embeddings)

    @property
    def embeddings(self) -> Floats:
        """Shape (n, dimension): what is searched, row by row."""
        return self._embeddings

    def search(
        self, query: Floats, k: int, *, exclude: int | None = None, among: Mask | None = None
    ) -> Neighbors:
        """See `VectorIndex.search`."""
        query = validate_query(query, k, self._embeddings)
        mask = self._mask(exclude, among)
        eligible = len(self) if mask is None else int(mask.sum())
        if eligible == 0:
            return Neighbors(np.empty(0, np.int64), np.empty(0, np.float64))
        return self._search(query, min(k, eligible), mask, eligible)

    def _mask(self, exclude: int | None, among: Mask | None) -> Mask | None:
        """The rows to consider; None stands for all, which are searched without looking it up."""
        if exclude is None:
            return among
        mask = np.ones(len(self), dtype=np.bool_) if among is None else among.copy()
        mask[exclude] = False
        return mask

    def _search(self, query: Floats, k: int, mask: Mask | None, eligible: int) -> Neighbors:
        """Widen the candidates until no row outside them can belong to the answer."""
        parameters = None
        if mask is not None:
            packed = np.packbits(mask, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(packed))
        candidates = k + 8
        while True:
            candidates = min(candidates, eligible)
            squared, found = self._index.search(query[None], candidates, params=parameters)
            nearest = self.rerank(query, found[0], k)
            horizon = float(np.sqrt(squared[0, -1] * (1 - _ROUNDING)))
            if candidates == eligible or nearest.distances[-1] < horizon:
                return nearest
            candidates *= 4

    def rerank(self, query: Floats, rows: Rows, k: int, kind: IndexKind = "flat") -> Neighbors:
        """The `k` nearest of these rows, found by an index of this kind."""
        difference = self._embeddings[rows].astype(np.float64) - query.astype(np.float64)
        distances = np.linalg.norm(difference, axis=1)
        order = np.lexsort((self._order_of_ids[rows], distances))[:k]
        return Neighbors(rows[order], distances[order], kind)
