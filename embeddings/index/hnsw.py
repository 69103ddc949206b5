"""Approximate index for very large collections: hierarchical navigable small-world graph (HNSW).

Method: Malkov & Yashunin 2018, implemented by FAISS.
"""

from pathlib import Path

import faiss

from embeddings.arrays import Floats, Mask
from embeddings.index import IndexContents, Neighbors, SealedIndex, validate_query
from embeddings.index.distances import rerank
from embeddings.index.flat import FlatIndex, row_selector
from embeddings.settings import IndexSettings

_GRAPH = "graph.faiss"

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


class HnswKind:
    """Kind `hnsw`, whose graph is built at publishing."""

    def __init__(self, settings: IndexSettings) -> None:
        del settings

    def build(self, draft: Path, contents: IndexContents) -> SealedIndex:
        """Implement `IndexKind.build`."""
        faiss.write_index(build_graph(contents.embeddings), str(draft / _GRAPH))
        return SealedIndex(kind="hnsw", exact=False, recall=1.0)

    def open(self, folder: Path, sealed: SealedIndex, contents: IndexContents) -> "HnswIndex":
        """Implement `IndexKind.open`."""
        return HnswIndex(contents.embeddings, faiss.read_index(str(folder / _GRAPH)))

    def discard(self, sealed: SealedIndex) -> None:
        """Implement `IndexKind.discard`."""


def build_graph(embeddings: Floats) -> faiss.IndexHNSWFlat:
    """Build the graph of embeddings of shape (n, dimension)."""
    graph = faiss.IndexHNSWFlat(embeddings.shape[1], LINKS)
    graph.hnsw.efConstruction = BUILDING_EFFORT
    graph.add(embeddings)
    return graph


class HnswIndex:
    """Approximate search over embeddings of shape (n, dimension), float32.

    Searches with a strict filter, searches for many neighbours and queries for which the graph
    finds too few use exact search, and their result is marked as exact.
    """

    def __init__(self, embeddings: Floats, graph: faiss.IndexHNSWFlat) -> None:
        self._graph = graph
        self._embeddings = embeddings
        self._flat = FlatIndex(embeddings)

    def __len__(self) -> int:
        return len(self._embeddings)

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
        few = among is not None and among.sum() < _LEAST_ELIGIBLE * len(self)
        if exact or few or k > _MOST:
            return self._flat.search(query, k, exclude=exclude, among=among)
        query = validate_query(query, k, self._embeddings)
        candidates = k + _SPARE + 1
        effort = faiss.SearchParametersHNSW(efSearch=max(SEARCHING_EFFORT, candidates))
        if among is not None:
            effort.sel = row_selector(among)
        _, found = self._graph.search(query[None], candidates, params=effort)
        rows = found[0][(found[0] >= 0) & (found[0] != exclude)]
        if len(rows) < k:
            return self._flat.search(query, k, exclude=exclude, among=among)
        return Neighbors(*rerank(query, self._embeddings, rows, k), "hnsw", exact=False)

    def close(self) -> None:
        """Implement `VectorIndex.close`."""
