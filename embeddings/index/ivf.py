"""Approximate nearest neighbours of all rows of a large collection: inverted file of clusters.

Method: Sivic & Zisserman 2003, implemented by FAISS (IVF-Flat). Each cluster contains the rows
nearest to its centroid; a query is compared with the rows of the nearest clusters only.
"""

from math import ceil, isqrt

import faiss
import numpy as np

from embeddings.arrays import Rows
from embeddings.index.blocks import BlockSearch, NearestRows

LEAST_RECALL = 0.99
"""Recall on the sample at which the number of searched clusters is accepted."""

_SAMPLE = 1000
_SPARE = 4
"""Additional candidates, so that double-precision reranking resolves rounding and ties."""

_ITERATIONS = 8
_ROWS_PER_CENTROID = 40
"""Training rows of k-means for each centroid; FAISS warns of fewer than 39."""

_LEAST_PROBES = 4
_GROWTH = 1.5
_BLOCK = 16_384


def search_approximately(
    search: BlockSearch, base: Rows, k: int, seed: int = 0
) -> tuple[NearestRows, float]:
    """Return the `k` rows of `base` nearest to every row, without itself, and their recall.

    The number of searched clusters is raised until the recall on a sample of the rows is at least
    `LEAST_RECALL`.
    """
    index = _build(search, base, seed)
    sample = _sample(search, seed)
    expected = search.nearest(sample, base, k)
    probes = _LEAST_PROBES
    while True:
        recall = _recall(expected, _search(search, index, base, sample, k, probes))
        if recall >= LEAST_RECALL or probes >= index.nlist:
            return _search(search, index, base, search.all_rows, k, probes), recall
        probes = ceil(_GROWTH * probes)


def measure_recall(search: BlockSearch, found: NearestRows, seed: int = 0) -> float:
    """Return the recall of neighbours of all rows, 0-1, compared with exact search on a sample.

    A row as near as the last true neighbour counts as found.
    """
    sample = _sample(search, seed)
    expected = search.nearest(sample, search.all_rows, found.rows.shape[1])
    return _recall(expected, NearestRows(found.rows[sample], found.distances[sample]))


def _recall(expected: NearestRows, found: NearestRows) -> float:
    hits = np.isfinite(found.distances) & (found.distances <= expected.distances[:, -1:])
    possible = int(np.isfinite(expected.distances).sum())
    return float(hits.sum() / possible) if possible else 1.0


def _sample(search: BlockSearch, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    return rng.choice(len(search), min(_SAMPLE, len(search)), replace=False)


def _build(search: BlockSearch, base: Rows, seed: int) -> faiss.IndexIVFFlat:
    vectors = search.embeddings[base]
    dimension = vectors.shape[1]
    clusters = max(1, min(4 * isqrt(len(base)), len(base) // _ROWS_PER_CENTROID))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(dimension), dimension, clusters)
    index.cp.niter = _ITERATIONS
    index.cp.max_points_per_centroid = _ROWS_PER_CENTROID
    index.cp.min_points_per_centroid = 1
    index.cp.seed = seed
    index.train(vectors)
    index.add(vectors)
    return index


def _search(
    search: BlockSearch, index: faiss.IndexIVFFlat, base: Rows, queries: Rows, k: int, probes: int
) -> NearestRows:
    index.nprobe = probes
    found = NearestRows.missing(len(queries), k)
    for start in range(0, len(queries), _BLOCK):
        block = slice(start, start + _BLOCK)
        _, positions = index.search(search.embeddings[queries[block]], k + 1 + _SPARE)
        candidates = np.where(positions < 0, -1, base[positions])
        part = search.rank(queries[block], candidates, k)
        found.rows[block], found.distances[block] = part.rows, part.distances
    return found
