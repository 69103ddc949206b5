"""`python -m benchmarks.million`: exact against approximate search in a million embeddings.

The embeddings are generated: clusters of different widths, each in directions of its own whose
variances fall off as those of real embeddings do (the i-th with 1/i). A point's nearest neighbours
then lie in about 16 dimensions, as those of the photographs do.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import faiss
import numpy as np

from benchmarks.measurements import Measurement, home_of_settings, keep
from benchmarks.processes import resident_megabytes
from embeddings.arrays import Floats, Rows
from embeddings.index import VectorIndex
from embeddings.index.flat import FlatIndex
from embeddings.index.hnsw import BUILDING_EFFORT, LINKS, SEARCHING_EFFORT, HnswIndex

COUNT = 1_000_000
DIMENSION = 256
NEIGHBORS = 3

_CLUSTERS = 4000
_DIRECTIONS = 64
_WIDTHS = (0.2, 0.6)
_QUERIES = 1000
_TIMED_EXACTLY = 50
_SEED = 0


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
    ids = [f"{number:07}" for number in range(COUNT)]
    flat = FlatIndex(ids, points.embeddings)
    exact = [flat.search(query, NEIGHBORS).rows for query in points.queries]
    exact_milliseconds = _milliseconds(flat, points.queries[:_TIMED_EXACTLY])
    del flat
    before, start = resident_megabytes(os.getpid()), perf_counter()
    graph = HnswIndex(ids, points.embeddings)
    built, after = perf_counter() - start, resident_megabytes(os.getpid())
    found = [graph.search(query, NEIGHBORS) for query in points.queries]
    if any(each.exact for each in found):
        raise RuntimeError("Some queries were searched exactly; the times would mean nothing.")
    return MillionMeasurement(
        settings=(
            f"`HnswIndex`: M {LINKS}, efConstruction {BUILDING_EFFORT}, efSearch {SEARCHING_EFFORT}"
        ),
        recall=_recall([each.rows for each in found], exact),
        exact_milliseconds=exact_milliseconds,
        approximate_milliseconds=_milliseconds(graph, points.queries),
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


def _milliseconds(index: VectorIndex, queries: Floats) -> float:
    """Median time of one query on one thread."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    times = []
    for query in queries:
        start = perf_counter()
        index.search(query, NEIGHBORS)
        times.append(perf_counter() - start)
    faiss.omp_set_num_threads(threads)
    return median(times) * 1e3


def _recall(found: Sequence[Rows], nearest: Sequence[Rows]) -> float:
    pairs = zip(found, nearest, strict=True)
    return float(np.mean([len(np.intersect1d(*pair)) / NEIGHBORS for pair in pairs]))


if __name__ == "__main__":
    main()
