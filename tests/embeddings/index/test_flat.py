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
    row = data.draw(st.integers(0, count - 1))
    exclude = data.draw(st.sampled_from([None, row]))
    among = data.draw(st.none() | arrays.arrays(np.bool_, count))
    k = data.draw(st.integers(1, count + 5))

    found = FlatIndex(embeddings).search(embeddings[row], k, exclude=exclude, among=among)

    distances = np.linalg.norm(embeddings.astype(float) - embeddings[row].astype(float), axis=1)
    allowed = [
        other for other in range(count) if other != exclude and (among is None or among[other])
    ]
    expected = sorted(allowed, key=lambda other: (distances[other], other))[:k]
    assert found.rows.tolist() == expected
    assert np.allclose(found.distances, distances[expected])


def test_many_equal_embeddings_are_ordered_by_row() -> None:
    index = FlatIndex(np.ones((500, 8), np.float32))
    found = index.search(np.ones(8, np.float32), 3)
    assert found.rows.tolist() == [0, 1, 2]
    assert found.distances.tolist() == [0.0, 0.0, 0.0]


def test_distances_are_euclidean_and_not_squared() -> None:
    index = FlatIndex(np.array([[0, 0], [3, 4]], np.float32))
    assert index.search(np.zeros(2, np.float32), 1, exclude=0).distances.tolist() == [5.0]


def test_three_nearest_agree_with_scikit_learn() -> None:
    embeddings = np.random.default_rng(0).normal(size=(400, 64)).astype(np.float32)
    index = FlatIndex(embeddings)
    expected = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(embeddings)
    rows = expected.kneighbors(embeddings, return_distance=False)[:, 1:]
    found = [index.search(embeddings[row], 3, exclude=row).rows for row in range(400)]
    assert np.array_equal(np.stack(found), rows)


def test_without_eligible_rows_the_result_is_empty() -> None:
    index = FlatIndex(np.zeros((1, 2), np.float32))
    assert len(index.search(np.zeros(2, np.float32), 3, exclude=0).rows) == 0


@pytest.mark.parametrize(("k", "width"), [(0, 2), (-1, 2), (1, 3)])
def test_invalid_queries_are_rejected(k: int, width: int) -> None:
    index = FlatIndex(np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match=r"neighbour|shape"):
        index.search(np.zeros(width, np.float32), k)
