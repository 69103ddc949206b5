import numpy as np
import pytest

from embeddings.index.flat import FlatIndex
from embeddings.index.growing_array import GrowingArray
from embeddings.index.knn_graph import NeighborGraph
from embeddings.index.live import LiveIndex
from embeddings.index.live_graph import LiveGraph

NO_ROWS = np.empty(0, np.int64)


def brute_force(
    ids: list[str], embeddings: np.ndarray, eligible: np.ndarray, query: np.ndarray, k: int
) -> list[tuple[str, float]]:
    distances = np.linalg.norm(embeddings.astype(float) - query.astype(float), axis=1)
    found = sorted((distances[row], ids[row]) for row in np.flatnonzero(eligible).tolist())
    return [(name, distance) for distance, name in found[:k]]


def graph_of(ids: list[str], embeddings: np.ndarray) -> NeighborGraph:
    index = FlatIndex(embeddings)
    found = [index.search(each, 3, exclude=row) for row, each in enumerate(embeddings)]
    return NeighborGraph(np.stack([f.rows for f in found]), np.stack([f.distances for f in found]))


@pytest.mark.parametrize(("dimension", "decay"), [(5, 0.0), (40, 0.5), (150, 1.0), (150, 0.0)])
def test_search_and_graph_agree_with_brute_force(dimension: int, decay: float) -> None:
    """Rows, dead or alive, duplicates and large common offsets, of several spectra."""
    rng = np.random.default_rng(dimension)
    scale = np.arange(1, dimension + 1) ** -decay
    drawn = (10 + rng.normal(size=(700, dimension)) * scale).astype(np.float32)
    drawn[rng.integers(0, 700, 60)] = drawn[rng.integers(0, 700, 60)]
    ids = [f"{number:04}" for number in rng.permutation(700)]
    ids[:150] = base = sorted(ids[:150])
    index = LiveIndex.of(FlatIndex(drawn[:150]), base, drawn[:150])
    graph = LiveGraph.of(graph_of(base, drawn[:150]))
    start = 150
    for step, size in enumerate([1, 300, 1, 40, 0, 208]):
        rows = rng.integers(0, len(index), 20 if step else 5)
        dead, revived = np.unique(rows[index.live[rows]]), np.unique(rows[~index.live[rows]])
        stop = start + size
        index = index.with_changes(ids[start:stop], drawn[start:stop], dead, revived)
        appeared = np.append(np.arange(start, stop), revived)
        graph = graph.with_changes(index, appeared, dead, NO_ROWS, step + 1)
        start = stop
        for row in rng.choice(np.flatnonzero(index.live), 40, replace=False).tolist():
            among = rng.random(len(index)) < rng.choice([0.02, 0.5, 1])
            for k in (1, 3, 30):
                found = index.search(drawn[row], k, exclude=row, among=among)
                eligible = index.live & among & (np.arange(start) != row)
                names = [index.id_of(each) for each in found.rows.tolist()]
                expected = brute_force(ids, drawn[:start], eligible, drawn[row], k)
                assert list(zip(names, found.distances.tolist(), strict=True)) == expected
            near = graph.neighbors(index, row)
            names = [index.id_of(each) for each in near.rows.tolist()]
            eligible = index.live & (np.arange(start) != row)
            expected = brute_force(ids, drawn[:start], eligible, drawn[row], 3)
            assert list(zip(names, near.distances.tolist(), strict=True)) == expected


def test_lists_of_an_approximate_graph_say_so() -> None:
    drawn = np.random.default_rng(0).normal(size=(41, 6)).astype(np.float32)
    ids = [f"{number:02}" for number in range(41)]
    sealed = graph_of(ids[:40], drawn[:40])
    graph = LiveGraph.of(NeighborGraph(sealed.rows, sealed.distances, exact=False, recall=0.99))
    index = LiveIndex.of(FlatIndex(drawn[:40]), ids[:40], drawn[:40])
    listed = int(sealed.rows[0, 0])
    later = index.with_changes(ids[40:], drawn[:1], np.array([listed]), NO_ROWS)
    changed = graph.with_changes(later, np.array([40]), np.array([listed]), NO_ROWS, 1)
    assert not graph.neighbors(index, 0).exact
    assert changed.neighbors(later, 0).exact
    patched = int(sealed.rows[0, 1])
    other = graph.with_changes(
        index.with_changes(ids[40:], drawn[patched : patched + 1], NO_ROWS, NO_ROWS),
        np.array([40]), NO_ROWS, NO_ROWS, 1,
    )  # fmt: skip
    assert not other.neighbors(later, patched).exact
    assert other.neighbors(later, patched).rows[0] == 40


def test_two_arrays_grown_from_one_share_only_its_rows() -> None:
    first = GrowingArray.empty(np.int64, (2,)).extended(np.array([[1, 2]]))
    one, other = first.extended(np.array([[3, 4]])), first.extended(np.array([[5, 6], [7, 8]]))
    longer = one.extended(np.arange(200).reshape(100, 2))
    assert first.values.tolist() == [[1, 2]]
    assert one.values.tolist() == [[1, 2], [3, 4]]
    assert other.values.tolist() == [[1, 2], [5, 6], [7, 8]]
    assert longer.values[2:].tolist() == np.arange(200).reshape(100, 2).tolist()
    assert np.shares_memory(first.values, one.values)
