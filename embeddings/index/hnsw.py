"""Approximate index for very large collections: hierarchical navigable small-world graph (HNSW).

Method: Malkov & Yashunin 2018, implemented by FAISS.
"""

from collections.abc import Sequence

import faiss
import numpy as np

from embeddings.arrays import Floats, Mask
from embeddings.index import Neighbors, validate_query
from embeddings.index.flat import FlatIndex

LINKS = 32
BUILDING_EFFORT = 100
SEARCHING_EFFORT = 512
"""More links and a wider search than usual, in favour of recall over speed."""

_SPARE = 8
"""Additional candidates, so that double-precision reranking resolves rounding and ties."""

_LEAST_ELIGIBLE = 0.9
"""Share of eligible rows below which a filtered search is exact; the graph would miss many."""

_MOST = 100
"""Largest k searched by the graph; for larger k, exact search is hardly slower."""


class HnswIndex:
    """Approximate search over embeddings of shape (n, dimension), float32.

    Searches with a strict filter, searches for many neighbours and queries for which the graph
    finds too few use exact search, and their result is marked as exact. The graph is always built
    in memory.
    """

    def __init__(self, ids: Sequence[str], embeddings: Floats) -> None:
        embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        self._graph = faiss.IndexHNSWFlat(embeddings.shape[1], LINKS)
        self._graph.hnsw.efConstruction = BUILDING_EFFORT
        self._graph.add(embeddings)
        self._flat = FlatIndex(ids, embeddings, faiss.downcast_index(self._graph.storage))

    def __len__(self) -> int:
        return len(self._flat)

    def search(
        self,
        query: Floats,
        k: int,
        *,
        exclude: int | None = None,
        among: Mask | None = None,
        exact: bool = False,
    ) -> Neighbors:
        """Implement `VectorIndex.search`."""
        few = among is not None and np.count_nonzero(among) < _LEAST_ELIGIBLE * len(self)
        if exact or few or k > _MOST:
            return self._flat.search(query, k, exclude=exclude, among=among)
        query = validate_query(query, k, self._flat.embeddings)
        candidates = k + _SPARE + 1
        effort = faiss.SearchParametersHNSW(efSearch=max(SEARCHING_EFFORT, candidates))
        if among is not None:
            packed = np.packbits(among, bitorder="little")
            effort.sel = faiss.IDSelectorBitmap(packed)
        _, found = self._graph.search(query[None], candidates, params=effort)
        rows = found[0][(found[0] >= 0) & (found[0] != exclude)]
        if len(rows) < k:
            return self._flat.search(query, k, exclude=exclude, among=among)
        return self._flat.rerank(query, rows, k, "hnsw")
