"""Approximate index for very large collections: hierarchical navigable small-world graph (HNSW).

Method: Malkov & Yashunin 2018, implemented by FAISS.
"""

from pathlib import Path

import faiss
import numpy as np

from embeddings.arrays import Floats, Mask
from embeddings.index import IndexContents, Neighbors, SealedIndex
from embeddings.index.approximate import MOST, ApproximateIndex
from embeddings.index.distances import SPARE, rerank
from embeddings.index.effort import choose_effort
from embeddings.index.faiss_threads import respect_thread_limit
from embeddings.index.flat import row_selector
from embeddings.settings import IndexSettings

_GRAPH = "graph.faiss"
_EFFORT = "effort"

LINKS = 32
BUILDING_EFFORT = 100
"""More links than usual, in favour of recall over speed."""

EFFORTS = (128, 256, 512, 1024, 2048)
"""Numbers of rows that a search keeps (efSearch), of which the least with enough recall is used."""


class HnswKind:
    """Kind `hnsw`, whose graph is built at publishing."""

    def __init__(self, settings: IndexSettings) -> None:
        del settings

    def build(self, draft: Path, contents: IndexContents) -> SealedIndex:
        """Implement `IndexKind.build`."""
        embeddings = contents.embeddings
        graph = build_graph(embeddings)
        effort, recall = choose_effort(
            embeddings, EFFORTS, lambda effort: HnswIndex(embeddings, graph, effort)
        )
        faiss.write_index(graph, str(draft / _GRAPH), faiss.IO_FLAG_SKIP_STORAGE)
        return SealedIndex(
            kind="hnsw",
            exact=False,
            recall=recall,
            parameters={"links": LINKS, "building_effort": BUILDING_EFFORT, _EFFORT: effort},
        )

    def open(self, folder: Path, sealed: SealedIndex, contents: IndexContents) -> "HnswIndex":
        """Implement `IndexKind.open`."""
        graph = read_graph(folder / _GRAPH, contents.embeddings)
        return HnswIndex(contents.embeddings, graph, int(sealed.parameters[_EFFORT]))

    def discard(self, sealed: SealedIndex) -> None:
        """Implement `IndexKind.discard`."""


def build_graph(embeddings: Floats) -> faiss.IndexHNSWFlat:
    """Build the graph of embeddings of shape (n, dimension), with a copy of them."""
    graph = faiss.IndexHNSWFlat(embeddings.shape[1], LINKS)
    graph.hnsw.efConstruction = BUILDING_EFFORT
    respect_thread_limit()
    graph.add(embeddings)
    return graph


def read_graph(path: Path, embeddings: Floats) -> faiss.IndexHNSWFlat:
    """Open the graph of embeddings; the file and the embeddings are mapped, not copied.

    The caller must keep `embeddings`, which the graph refers to.
    """
    graph = faiss.read_index(str(path), faiss.IO_FLAG_SKIP_STORAGE | faiss.IO_FLAG_MMAP_IFC)
    storage = faiss.IndexFlatL2(embeddings.shape[1])
    vectors = faiss.swig_ptr(embeddings.view(np.uint8))
    # The empty owner leaves the memory to NumPy.
    owner = faiss.MaybeOwnedVectorUInt8().owner
    storage.codes = faiss.MaybeOwnedVectorUInt8.create_view(vectors, embeddings.nbytes, owner)
    storage.ntotal = len(embeddings)
    graph.storage, graph.own_fields = storage, True
    storage.this.disown()
    return graph


class HnswIndex(ApproximateIndex):
    """Approximate search by a graph of the embeddings."""

    def __init__(self, embeddings: Floats, graph: faiss.IndexHNSWFlat, effort: int) -> None:
        super().__init__(embeddings, MOST)
        self._graph = graph
        self._effort = effort

    def _find(
        self, query: Floats, k: int, exclude: int | None, among: Mask | None
    ) -> Neighbors | None:
        candidates = k + SPARE + 1
        effort = faiss.SearchParametersHNSW(efSearch=max(self._effort, candidates))
        if among is not None:
            effort.sel = row_selector(among)
        respect_thread_limit()
        _, found = self._graph.search(query[None], candidates, params=effort)
        rows = found[0][(found[0] >= 0) & (found[0] != exclude)]
        if len(rows) < k:
            return None
        return Neighbors(*rerank(query, self._embeddings, rows, k), "hnsw", exact=False)
