"""Approximate nearest neighbours of all rows of a large collection: inverted file of clusters.

Method: Sivic & Zisserman 2003, implemented by FAISS (IVF-Flat). Each cluster contains the rows
nearest to its centroid; a query is compared with the rows of the nearest clusters only. The
clusters contain principal components; the candidates are reranked by the whole embeddings.
"""

from dataclasses import dataclass
from math import ceil, isqrt

import faiss
import numpy as np

from embeddings.arrays import Floats, Rows
from embeddings.index.blocks import BlockSearch, NearestRows
from embeddings.index.components import SAMPLE, principal_axes, project
from embeddings.index.faiss_threads import respect_thread_limit

LEAST_RECALL = 0.99
"""Recall on the sample below which an approximate graph is not accepted."""

_AIMED_RECALL = 0.993
"""Recall at which the number of searched clusters is accepted, so that updates keep enough."""

_ENOUGH_CANDIDATES = 0.995
"""Recall of a search of all clusters at which the number of candidates is accepted."""

_SAMPLE = 1000
_CANDIDATES_SAMPLE = 250
_SPARE = 4
"""Additional neighbours, so that double-precision reranking resolves rounding and ties."""

_COMPONENTS = 64
"""Largest number of principal components."""

ITERATIONS = 5
"""Number of iterations of k-means."""

ROWS_PER_CENTROID = 40
"""Least number of rows in a cluster, on average, and training rows of k-means for each centroid.

FAISS warns of fewer than 39.
"""

_LEAST_FACTOR = 4
"""Smallest number of candidates for each neighbour."""
_LEAST_PROBES = 4
_GROWTH = 1.25
_BLOCK = 16_384


def cluster_count(count: int) -> int:
    """Return a number of clusters for which a search compares few centroids and few rows."""
    return max(1, min(4 * isqrt(count), count // ROWS_PER_CENTROID))


def search_approximately(
    search: BlockSearch, base: Rows, k: int, seed: int = 0
) -> tuple[NearestRows, float]:
    """Return the `k` rows of `base` nearest to every row, without itself, and their recall.

    The number of searched clusters is raised until the recall on a sample of the rows is above
    `LEAST_RECALL`, or all are searched.
    """
    sample = _sample(search, seed)
    expected = search.nearest(sample, base, k)
    inverted = _build(search, base, seed)
    factor = _candidates_factor(inverted, sample[:_CANDIDATES_SAMPLE], expected)
    probes = _LEAST_PROBES
    while True:
        recall = _recall(expected, inverted.nearest(sample, k, probes, factor))
        if recall >= _AIMED_RECALL or probes >= inverted.clusters.nlist:
            break
        probes = ceil(_GROWTH * probes)
    found = NearestRows.missing(len(search), k)
    order = inverted.order()
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        found.put(block, inverted.nearest(block, k, probes, factor))
    return found, recall


def measure_recall(search: BlockSearch, found: NearestRows, seed: int = 0) -> float:
    """Return the recall of neighbours of all rows, 0-1, compared with exact search on a sample.

    A row as near as the last true neighbour counts as found.
    """
    sample = _sample(search, seed)
    expected = search.nearest(sample, search.all_rows, found.rows.shape[1])
    return _recall(expected, found.take(sample))


@dataclass(frozen=True)
class _Inverted:
    """Inverted file of the principal components of the rows of a base."""

    search: BlockSearch
    base: Rows
    components: Floats
    """Shape (n, components): principal components of all rows of the collection."""
    clusters: faiss.IndexIVFFlat

    def nearest(self, queries: Rows, k: int, probes: int, factor: int) -> NearestRows:
        """Return the `k` nearest rows of the base in the `probes` nearest clusters.

        `factor` is the number of candidates for each neighbour.
        """
        count = k + 1 + _SPARE
        parameters = faiss.SearchParametersIVF(nprobe=probes)
        respect_thread_limit()
        _, positions = self.clusters.search(
            self.components[queries], factor * count, params=parameters
        )
        candidates = np.where(positions < 0, -1, self.base[positions])
        squared = _squared_distances(self.search.embeddings, queries, candidates)
        nearest = np.argpartition(squared, count - 1, axis=1)[:, :count]
        return self.search.rank(queries, np.take_along_axis(candidates, nearest, axis=1), k)

    def order(self) -> Rows:
        """Return all rows ordered by cluster, so that a block of queries uses the same clusters."""
        respect_thread_limit()
        numbers = self.clusters.quantizer.search(self.components, 1)[1][:, 0]
        return np.argsort(numbers, kind="stable")


def _build(search: BlockSearch, base: Rows, seed: int) -> _Inverted:
    clusters = cluster_count(len(base))
    rng = np.random.default_rng(seed)
    training = rng.choice(base, min(len(base), ROWS_PER_CENTROID * clusters), replace=False)
    axes = principal_axes(search.embeddings[training[:SAMPLE]], _COMPONENTS)
    components = project(search.embeddings, axes)
    dimension = components.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(dimension), dimension, clusters)
    index.cp.niter = ITERATIONS
    index.cp.max_points_per_centroid = ROWS_PER_CENTROID
    index.cp.min_points_per_centroid = 1
    index.cp.seed = seed
    respect_thread_limit()
    index.train(components[training])
    index.add(components[base])
    return _Inverted(search, base, components, index)


def _squared_distances(embeddings: Floats, queries: Rows, candidates: Rows) -> Floats:
    """Return the squared distances of rows to their candidates; infinity for the candidate -1."""
    vectors = embeddings[queries]
    candidates = np.ascontiguousarray(candidates)
    squared = np.empty(candidates.shape, np.float32)
    pointers = (faiss.swig_ptr(each) for each in (squared, vectors, embeddings, candidates))
    faiss.fvec_L2sqr_by_idx(*pointers, embeddings.shape[1], *candidates.shape)
    return squared


def _candidates_factor(inverted: _Inverted, sample: Rows, expected: NearestRows) -> int:
    """Return the number of candidates for each neighbour that contain those of a sample."""
    k = expected.rows.shape[1]
    expected = expected.take(np.arange(len(sample)))
    clusters, factor = inverted.clusters.nlist, _LEAST_FACTOR
    while factor * k < len(inverted.base):
        if _recall(expected, inverted.nearest(sample, k, clusters, factor)) >= _ENOUGH_CANDIDATES:
            break
        factor *= 2
    return factor


def _recall(expected: NearestRows, found: NearestRows) -> float:
    hits = np.isfinite(found.distances) & (found.distances <= expected.distances[:, -1:])
    possible = int(np.isfinite(expected.distances).sum())
    return float(hits.sum() / possible) if possible else 1.0


def _sample(search: BlockSearch, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    return rng.choice(len(search), min(_SAMPLE, len(search)), replace=False)
