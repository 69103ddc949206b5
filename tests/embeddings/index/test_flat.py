import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.neighbors import NearestNeighbors

from embeddings.index.flat import FlatIndex

# Few distinct values make ties and duplicates common.
matrices = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 6)),
    elements=st.sampled_from([-2.0, -0.5, 0.0, 0.1, 1.0, 3.0]),
)


@settings(max_examples=150, deadline=None)
@given(matrices, st.data())
def test_search_agrees_with_sorting_all_distances(
    embeddings: np.ndarray, data: st.DataObject
) -> None:
    count = len(embeddings)
    ids = data.draw(st.permutations([f"class/{number:03}" for number in range(count)]))
    row = data.draw(st.integers(0, count - 1))
    exclude = data.draw(st.sampled_from([None, row]))
    among = data.draw(st.none() | arrays.arrays(np.bool_, count))
    k = data.draw(st.integers(1, count + 5))

    found = FlatIndex(ids, embeddings).search(embeddings[row], k, exclude=exclude, among=among)

    distances = np.linalg.norm(embeddings.astype(float) - embeddings[row].astype(float), axis=1)
    allowed = [
        other for other in range(count) if other != exclude and (among is None or among[other])
    ]
    expected = sorted(allowed, key=lambda other: (distances[other], ids[other]))[:k]
    assert found.rows.tolist() == expected
    assert np.allclose(found.distances, distances[expected])


def test_many_equal_embeddings_are_ordered_by_id() -> None:
    ids = [f"forest/{number:04}" for number in range(500)]
    index = FlatIndex(ids[::-1], np.ones((500, 8), np.float32))
    found = index.search(np.ones(8, np.float32), 3)
    assert [ids[::-1][row] for row in found.rows] == ids[:3]
    assert found.distances.tolist() == [0.0, 0.0, 0.0]


def test_distances_are_euclidean_and_not_squared() -> None:
    index = FlatIndex(["a", "b"], np.array([[0, 0], [3, 4]], np.float32))
    assert index.search(np.zeros(2, np.float32), 1, exclude=0).distances.tolist() == [5.0]


def test_three_nearest_agree_with_scikit_learn() -> None:
    embeddings = np.random.default_rng(0).normal(size=(400, 64)).astype(np.float32)
    index = FlatIndex([str(number) for number in range(400)], embeddings)
    expected = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(embeddings)
    rows = expected.kneighbors(embeddings, return_distance=False)[:, 1:]
    found = [index.search(embeddings[row], 3, exclude=row).rows for row in range(400)]
    assert np.array_equal(np.stack(found), rows)


def test_without_eligible_rows_the_result_is_empty() -> None:
    index = FlatIndex(["a"], np.zeros((1, 2), np.float32))
    assert len(index.search(np.zeros(2, np.float32), 3, exclude=0).rows) == 0


@pytest.mark.parametrize(("k", "width"), [(0, 2), (-1, 2), (1, 3)])
def test_invalid_queries_are_rejected(k: int, width: int) -> None:
    index = FlatIndex(["a", "b"], np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match=r"neighbour|shape"):
        index.search(np.zeros(width, np.float32), k)
