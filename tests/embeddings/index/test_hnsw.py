import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from embeddings.index.flat import FlatIndex
from embeddings.index.hnsw import EFFORTS, HnswIndex, build_graph

matrices = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 6)),
    elements=st.sampled_from([-2.0, -0.5, 0.0, 0.1, 1.0, 3.0]),
)


@pytest.fixture(scope="module")
def clustered() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(scale=4, size=(50, 32))
    return (centres[rng.integers(0, 50, 3000)] + rng.normal(size=(3000, 32))).astype(np.float32)


def graph_index(embeddings: np.ndarray) -> HnswIndex:
    return HnswIndex(embeddings, build_graph(embeddings), EFFORTS[-1])


def test_recall_at_3_is_high(clustered: np.ndarray) -> None:
    flat, graph = FlatIndex(clustered), graph_index(clustered)
    found = 0
    for row in range(0, 3000, 10):
        expected = flat.search(clustered[row], 3, exclude=row)
        answer = graph.search(clustered[row], 3, exclude=row)
        assert row not in answer.rows
        assert (answer.kind, answer.exact) == ("hnsw", False)
        assert np.all(np.diff(answer.distances) >= 0)
        found += len(set(answer.rows) & set(expected.rows))
    assert found / 900 >= 0.99


@settings(max_examples=60, deadline=None)
@given(matrices, st.data())
def test_distances_and_order_are_correct_for_the_rows_found(
    embeddings: np.ndarray, data: st.DataObject
) -> None:
    count = len(embeddings)
    row = data.draw(st.integers(0, count - 1))
    exclude = data.draw(st.sampled_from([None, row]))
    k = data.draw(st.integers(1, count + 5))
    found = graph_index(embeddings).search(embeddings[row], k, exclude=exclude)
    assert len(found.rows) == min(k, count - (exclude is not None))
    assert len(set(found.rows)) == len(found.rows)
    assert exclude not in found.rows
    distances = np.linalg.norm(embeddings.astype(float) - embeddings[row].astype(float), axis=1)
    assert np.allclose(found.distances, distances[found.rows])
    keys = list(zip(found.distances, found.rows, strict=True))
    assert keys == sorted(keys)


def test_filtered_and_long_searches_are_marked_exact(clustered: np.ndarray) -> None:
    flat, graph = FlatIndex(clustered), graph_index(clustered)
    few = np.zeros(3000, np.bool_)
    few[::100] = True
    for asked in ({"k": 3, "among": few}, {"k": 500}, {"k": 5000}):
        expected, answer = flat.search(clustered[7], **asked), graph.search(clustered[7], **asked)
        assert answer.exact
        assert answer.rows.tolist() == expected.rows.tolist()


@pytest.mark.parametrize(("k", "width"), [(0, 2), (1, 3)])
def test_invalid_queries_are_rejected(k: int, width: int) -> None:
    index = graph_index(np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match=r"neighbour|shape"):
        index.search(np.zeros(width, np.float32), k)
