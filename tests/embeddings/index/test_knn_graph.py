import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.index.blocks import BlockSearch
from embeddings.index.flat import FlatIndex
from embeddings.index.knn_graph import (
    DEGREE,
    NeighborGraph,
    build_neighbor_graph,
    match_rows,
    update_neighbor_graph,
)

# Few distinct values make ties and duplicates common.
names = st.integers(0, 60).map(str)
vectors = st.lists(st.sampled_from([-2.0, 0.0, 0.1, 1.0, 3.0]), min_size=2, max_size=2)
states = st.dictionaries(names, vectors, min_size=1, max_size=40)
edits = st.lists(
    st.tuples(st.sets(names, max_size=8), st.dictionaries(names, vectors, min_size=1, max_size=6)),
    min_size=1,
    max_size=4,
)
"""Ids to delete, and embeddings to add or replace, of each step."""


def assert_equal(graph: NeighborGraph, expected: NeighborGraph) -> None:
    assert graph.rows.tolist() == expected.rows.tolist()
    assert graph.distances.tolist() == expected.distances.tolist()
    assert (graph.exact, graph.recall) == (expected.exact, expected.recall)


def columns(state: dict[str, list[float]]) -> tuple[list[str], np.ndarray]:
    ids = sorted(state)
    return ids, np.array([state[identifier] for identifier in ids], np.float32)


def test_the_graph_agrees_with_search() -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.integers(0, 4, (60, 3)).astype(np.float32)
    ids = [f"{row:02}" for row in range(60)]
    index, graph = FlatIndex(embeddings), build_neighbor_graph(BlockSearch(ids, embeddings))
    for row, embedding in enumerate(embeddings):
        found = index.search(embedding, DEGREE, exclude=row)
        assert graph.of(row).rows.tolist() == found.rows.tolist()
        assert graph.of(row).distances.tolist() == found.distances.tolist()
        assert graph.of(row).exact


def test_a_small_collection_has_fewer_neighbours() -> None:
    graph = build_neighbor_graph(BlockSearch(["a", "b"], np.eye(2, dtype=np.float32)))
    assert graph.rows.tolist() == [[1], [0]]


@settings(max_examples=300, deadline=None)
@given(states, edits)
def test_updates_agree_with_a_new_graph(
    state: dict[str, list[float]], steps: list[tuple[set[str], dict[str, list[float]]]]
) -> None:
    previous_ids, previous = columns(state)
    graph = build_neighbor_graph(BlockSearch(previous_ids, previous))
    for deleted, added in steps:
        state = {name: each for name, each in state.items() if name not in deleted} | added
        ids, embeddings = columns(state)
        search = BlockSearch(ids, embeddings)
        origin = match_rows(ids, embeddings, previous_ids, previous)
        graph = update_neighbor_graph(search, graph, origin)
        assert_equal(graph, build_neighbor_graph(search))
        previous_ids, previous = ids, embeddings


def test_changed_embeddings_have_no_previous_row() -> None:
    one, two = np.eye(2, dtype=np.float32)
    origin = match_rows(
        ["a", "b", "c"], np.stack([one, two, two]), ["b", "a"], np.stack([two, two])
    )
    assert origin.tolist() == [-1, 0, -1]
    other_encoder = match_rows(["a"], np.ones((1, 2), np.float32), ["a"], np.ones((1, 3), "f4"))
    assert other_encoder.tolist() == [-1]


@pytest.fixture(scope="module")
def large() -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 16))
    drawn = centres[rng.integers(0, 40, 6000)] + 0.4 * rng.normal(size=(6000, 16))
    return [f"{row:04}" for row in range(6000)], drawn.astype(np.float32)


def true_share(graph: NeighborGraph, exact: NeighborGraph) -> float:
    return float((graph.rows[:, :, None] == exact.rows[:, None]).any(axis=2).mean())


def test_a_large_graph_is_approximate_and_states_its_recall(
    large: tuple[list[str], np.ndarray],
) -> None:
    search = BlockSearch(*large)
    exact = build_neighbor_graph(search)
    graph = build_neighbor_graph(search, most_exact=1000)
    assert not graph.exact
    assert not graph.of(0).exact
    assert graph.recall >= 0.99
    assert true_share(graph, exact) == pytest.approx(graph.recall, abs=0.01)


@pytest.mark.parametrize("removed", [20, 2000])
def test_a_large_graph_is_updated(large: tuple[list[str], np.ndarray], removed: int) -> None:
    ids, embeddings = large
    before = build_neighbor_graph(BlockSearch(ids[:-30], embeddings[:-30]), most_exact=1000)
    search = BlockSearch(ids[removed:], embeddings[removed:])
    origin = match_rows(ids[removed:], embeddings[removed:], ids[:-30], embeddings[:-30])
    graph = update_neighbor_graph(search, before, origin, most_exact=1000)
    assert not graph.exact
    assert graph.recall >= 0.99
    assert true_share(graph, build_neighbor_graph(search)) > 0.98


def test_a_collection_that_shrinks_has_an_exact_graph_again(
    large: tuple[list[str], np.ndarray],
) -> None:
    ids, embeddings = large
    before = build_neighbor_graph(BlockSearch(ids[:1100], embeddings[:1100]), most_exact=1000)
    search = BlockSearch(ids[:1000], embeddings[:1000])
    graph = update_neighbor_graph(search, before, np.arange(1000), most_exact=1000)
    assert_equal(graph, build_neighbor_graph(search))
