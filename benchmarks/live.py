"""`python -m benchmarks.live`: searches and changes of a live index.

The release of BELVEDERE_HOME, and a million generated embeddings. Changed images are convex
combinations of stored embeddings.
"""

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.ann import COUNT, clustered_points
from benchmarks.measurements import Figures, Measurement, bench_home, save
from embeddings.arrays import Floats
from embeddings.encoded import Encoded
from embeddings.index.flat import FlatIndex
from embeddings.index.knn_graph import DEGREE, NeighborGraph
from embeddings.index.live import LiveIndex
from embeddings.index.live_graph import LiveGraph
from embeddings.live_state import LiveState
from embeddings.release.reader import Release, current_release, open_release
from embeddings.store.changed_images import ChangedImages
from embeddings.store.records import Images

CHANGES = 10_000
STARTED = 5000
"""Changes with which a service starts."""

_SEARCHES = 300
_ADDED = 50
_SEED = 0


class IndexFigures(Figures):
    """Medians in milliseconds of a live index, one call at a time."""

    count: int
    """Embeddings of the base, an exact index."""
    dimension: int
    search: float
    """Search of three neighbours without changes."""
    changed_search: float
    """The same beside `CHANGES` changes."""
    add: float
    """Addition of one row to the index and the lists of all rows."""
    delete: float


class LiveMeasurement(Measurement):
    """Cost of changes beside a sealed index."""

    changes: int = CHANGES
    collections: tuple[IndexFigures, ...]
    started: int = STARTED
    started_seconds: float
    """Time to apply `started` new images to the state of the release."""
    placed_seconds: float
    """Time to place them on its map."""


def main() -> None:
    """Measure and save the result in BELVEDERE_HOME."""
    home = bench_home()
    save(measure(open_release(current_release(home / "releases"))), home)


def measure(release: Release) -> LiveMeasurement:
    """Measure the release and a million generated embeddings."""
    started, placed = _start(release)
    real = _measure_index(release.images.ids, release.embeddings, release.graph)
    points = clustered_points().embeddings
    ids = [f"{number:07}" for number in range(COUNT)]
    return LiveMeasurement(
        collections=(real, _measure_index(ids, points, _like_graph(points))),
        started_seconds=started,
        placed_seconds=placed,
    )


def _measure_index(ids: Sequence[str], base: Floats, graph: NeighborGraph) -> IndexFigures:
    mixed = _mixed(base, CHANGES + _SEARCHES + _ADDED)
    changes, rest = mixed[:CHANGES], mixed[CHANGES:]
    queries, added = rest[:_SEARCHES], rest[_SEARCHES:]
    no_rows = np.empty(0, np.int64)
    flat = FlatIndex(base)
    index, lists = LiveIndex.of(flat, ids, base), LiveGraph.of(graph)
    names = [f"new/{number:05}" for number in range(CHANGES)]
    changed = index.with_changes(names, changes, no_rows, no_rows)

    def add(number: int) -> None:
        nonlocal index, lists
        index = index.with_changes([f"{number}"], added[number : number + 1], no_rows, no_rows)
        lists = lists.with_changes(index, np.array([len(index) - 1]), no_rows, no_rows, number)

    def delete(number: int) -> None:
        nonlocal index, lists
        index = index.with_changes([], added[:0], np.array([number]), no_rows)
        lists = lists.with_changes(index, no_rows, np.array([number]), no_rows, number)

    return IndexFigures(
        count=len(base),
        dimension=base.shape[1],
        search=_milliseconds(lambda number: flat.search(queries[number], DEGREE), _SEARCHES),
        changed_search=_milliseconds(
            lambda number: changed.search(queries[number], DEGREE), _SEARCHES
        ),
        add=_milliseconds(add, _ADDED),
        delete=_milliseconds(delete, _ADDED),
    )


def _start(release: Release) -> tuple[float, float]:
    """Return the seconds to apply new images to the state of a release, and to place them."""
    images = [
        release.record(number % len(release.images)).model_copy(
            update={"id": f"new/{number:05}", "digest": f"{number:064}"}
        )
        for number in range(STARTED)
    ]
    probabilities = release.probabilities[np.arange(STARTED) % len(release.images)]
    revision, encoder = release.manifest.data.revision, release.manifest.encoder.fingerprint
    encoded = Encoded(_mixed(release.embeddings, STARTED), probabilities)
    changes = ChangedImages(revision + 1, Images.of(images), encoded, encoder)
    index = FlatIndex(release.embeddings)
    state = LiveState.of(release, index)
    start = perf_counter()
    state = state.apply(changes)
    applied = perf_counter()
    state.points(np.arange(len(release.images), len(state)))
    return applied - start, perf_counter() - applied


def _mixed(embeddings: Floats, count: int) -> Floats:
    """Return combinations of two embeddings each, mostly of the first one."""
    chance = np.random.default_rng(_SEED)
    one, other = (embeddings[chance.integers(0, len(embeddings), count)] for _ in range(2))
    share = chance.uniform(0, 0.3, (count, 1)).astype(np.float32)
    return np.asarray((1 - share) * one + share * other)


def _like_graph(embeddings: Floats) -> NeighborGraph:
    """Return lists of arbitrary rows at usual distances, because true ones take long to compute."""
    chance = np.random.default_rng(_SEED)
    index = FlatIndex(embeddings)
    sample = chance.integers(0, len(embeddings), 20)
    found = [index.search(embeddings[row], DEGREE, exclude=int(row)).distances for row in sample]
    distances = np.tile(np.median(found, axis=0), (len(embeddings), 1))
    return NeighborGraph(chance.integers(0, len(embeddings), distances.shape), distances)


def _milliseconds(call: Callable[[int], object], count: int) -> float:
    times = []
    for number in range(count):
        start = perf_counter()
        call(number)
        times.append(perf_counter() - start)
    return median(times) * 1e3


if __name__ == "__main__":
    main()
