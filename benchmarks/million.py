"""`python -m benchmarks.million`: exact against approximate search in a million embeddings.

The embeddings are generated: clusters of different widths, each in directions of its own whose
variances fall off as those of real embeddings do (the i-th with 1/i). A point's nearest neighbours
then lie in about 16 dimensions, as those of the photographs do.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import faiss
import numpy as np

from benchmarks.measurements import Measurement, home_of_settings, keep
from benchmarks.processes import resident_megabytes
from embeddings.index import Rows
from embeddings.runtime import Floats

COUNT = 1_000_000
DIMENSION = 256
NEIGHBORS = 3

_CLUSTERS = 4000
_DIRECTIONS = 64
_WIDTHS = (0.2, 0.6)
_QUERIES = 1000
_TIMED_EXACTLY = 50
_SEED = 0

# More links and a wider search than usual: recall counts most, and there is speed to spare.
_LINKS = 32
_CONSTRUCTION = 100
_SEARCH = 512

Search = Callable[[Floats], Rows]
"""From a query of shape (1, dimension) to the rows of its nearest, shape (k,)."""


class MillionMeasurement(Measurement):
    """Both searches, one query at a time on one thread."""

    count: int = COUNT
    dimension: int = DIMENSION
    clusters: int = _CLUSTERS
    queries: int = _QUERIES
    settings: str
    recall: float
    """Share, 0-1, of the three nearest that approximate search finds."""
    exact_milliseconds: float
    approximate_milliseconds: float
    build_seconds: float
    """On every core."""
    megabytes: float
    """Resident memory that the approximate index takes, the embeddings included, in 10^6 bytes."""


@dataclass(frozen=True)
class Points:
    """Embeddings and queries, drawn from the same clusters; none is both."""

    embeddings: Floats
    queries: Floats


def main() -> None:
    """Measure, and keep the result in BELVEDERE_HOME."""
    keep(measure(), home_of_settings())


def measure() -> MillionMeasurement:
    """Generate the embeddings and search them both ways."""
    points = clustered_points()
    flat = faiss.IndexFlatL2(DIMENSION)
    flat.add(points.embeddings)
    _, nearest = flat.search(points.queries, NEIGHBORS)
    exact = _milliseconds(_searching(flat), points.queries[:_TIMED_EXACTLY])
    del flat
    before, start = resident_megabytes(os.getpid()), perf_counter()
    approximate = _approximate(points.embeddings)
    built, after = perf_counter() - start, resident_megabytes(os.getpid())
    search = _searching(approximate)
    found = np.stack([search(query[np.newaxis]) for query in points.queries])
    return MillionMeasurement(
        settings=f"HNSW, M {_LINKS}, efConstruction {_CONSTRUCTION}, efSearch {_SEARCH}",
        recall=_recall(found, nearest),
        exact_milliseconds=exact,
        approximate_milliseconds=_milliseconds(search, points.queries),
        build_seconds=built,
        megabytes=after - before,
    )


def clustered_points() -> Points:
    """The embeddings, shape (1,000,000, 256), and queries of shape (1,000, 256)."""
    chance = np.random.default_rng(_SEED)
    spread = np.arange(1, _DIRECTIONS + 1, dtype=np.float32) ** -0.5
    spread /= np.linalg.norm(spread)
    size = -(-(COUNT + _QUERIES) // _CLUSTERS)
    points = np.empty((_CLUSTERS, size, DIMENSION), np.float32)
    for cluster in points:
        centre = chance.standard_normal(DIMENSION, np.float32)
        directions = chance.standard_normal((_DIRECTIONS, DIMENSION), np.float32)
        steps = chance.standard_normal((size, _DIRECTIONS), np.float32)
        cluster[:] = centre + chance.uniform(*_WIDTHS) * (steps * spread) @ directions
    mixed = points.reshape(-1, DIMENSION)
    chance.shuffle(mixed)
    return Points(mixed[:COUNT], mixed[COUNT : COUNT + _QUERIES])


def _approximate(embeddings: Floats) -> faiss.Index:
    index = faiss.IndexHNSWFlat(embeddings.shape[1], _LINKS)
    index.hnsw.efConstruction = _CONSTRUCTION
    index.hnsw.efSearch = _SEARCH
    index.add(embeddings)
    return index


def _searching(index: faiss.Index) -> Search:
    def search(query: Floats) -> Rows:
        rows: Rows = index.search(query, NEIGHBORS)[1][0]
        return rows

    return search


def _milliseconds(search: Search, queries: Floats) -> float:
    """Median time of one query on one thread."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    times = []
    for query in queries:
        start = perf_counter()
        search(query[np.newaxis])
        times.append(perf_counter() - start)
    faiss.omp_set_num_threads(threads)
    return median(times) * 1e3


def _recall(found: Rows, nearest: Rows) -> float:
    shared = (found[:, :, np.newaxis] == nearest[:, np.newaxis, :]).any(axis=2)
    return float(shared.mean())


if __name__ == "__main__":
    main()
