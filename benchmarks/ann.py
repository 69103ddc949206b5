"""`python -m benchmarks.ann`: exact and approximate search in a million embeddings.

The embeddings are generated: clusters of different widths with random directions, whose variances
decrease as those of real embeddings do (1/i for the i-th direction). The intrinsic dimension of a
neighbourhood is then about 16, as for embeddings of images.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import faiss
import numpy as np

from benchmarks.measurements import Measurement, bench_home, save
from benchmarks.processes import resident_bytes
from embeddings.arrays import Floats, Rows
from embeddings.index import VectorIndex
from embeddings.index.flat import FlatIndex
from embeddings.index.hnsw import BUILDING_EFFORT, LINKS, HnswIndex, build_graph

COUNT = 1_000_000
DIMENSION = 256
NEIGHBORS = 3

_CLUSTERS = 4000
_DIRECTIONS = 64
_WIDTHS = (0.2, 0.6)
_QUERIES = 1000
_TIMED_EXACTLY = 50
_SEED = 0

SEARCHING_EFFORT = 512


class AnnMeasurement(Measurement):
    """Results of both searches, one query at a time on one thread."""

    count: int = COUNT
    dimension: int = DIMENSION
    clusters: int = _CLUSTERS
    queries: int = _QUERIES
    settings: str
    recall: float
    """Recall@3 of the approximate search, 0-1."""
    exact_milliseconds: float
    approximate_milliseconds: float
    build_seconds: float
    """Build time with a thread for each core."""
    megabytes: float
    """Resident memory of the approximate index, including embeddings, in 10^6 bytes."""


@dataclass(frozen=True)
class Points:
    """Embeddings and queries from the same clusters; the two sets are disjoint."""

    embeddings: Floats
    queries: Floats


def main() -> None:
    """Measure and save the result in BELVEDERE_HOME."""
    save(measure(), bench_home())


def measure() -> AnnMeasurement:
    """Generate the embeddings and measure both searches."""
    points = clustered_points()
    flat = FlatIndex(points.embeddings)
    exact = [flat.search(query, NEIGHBORS).rows for query in points.queries]
    exact_milliseconds = _milliseconds(flat, points.queries[:_TIMED_EXACTLY])
    del flat
    before, start = resident_bytes(os.getpid()), perf_counter()
    graph = HnswIndex(points.embeddings, build_graph(points.embeddings), SEARCHING_EFFORT)
    built, after = perf_counter() - start, resident_bytes(os.getpid())
    found = [graph.search(query, NEIGHBORS) for query in points.queries]
    if any(each.exact for each in found):
        raise RuntimeError(
            "Some queries used exact search; the times of approximate search are not valid."
        )
    return AnnMeasurement(
        settings=(
            f"`HnswIndex`: M {LINKS}, efConstruction {BUILDING_EFFORT}, efSearch {SEARCHING_EFFORT}"
        ),
        recall=_recall([each.rows for each in found], exact),
        exact_milliseconds=exact_milliseconds,
        approximate_milliseconds=_milliseconds(graph, points.queries),
        build_seconds=built,
        megabytes=(after - before) / 1e6,
    )


def clustered_points() -> Points:
    """Return embeddings of shape (1,000,000, 256) and queries of shape (1,000, 256)."""
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
    """Return the median milliseconds of one query on one thread."""
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
