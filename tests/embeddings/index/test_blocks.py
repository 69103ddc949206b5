import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from embeddings.index.blocks import BlockSearch
from embeddings.index.flat import FlatIndex

# Few distinct values make ties and duplicates common.
matrices = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 6)),
    elements=st.sampled_from([-2.0, -0.5, 0.0, 0.1, 1.0, 3.0]),
)


@settings(max_examples=200, deadline=None)
@given(matrices, st.data())
def test_blocks_agree_with_single_searches(embeddings: np.ndarray, data: st.DataObject) -> None:
    count = len(embeddings)
    ids = [f"class/{number:03}" for number in range(count)]
    base = np.flatnonzero(data.draw(arrays.arrays(np.bool_, count)))
    k = data.draw(st.integers(1, count + 2))
    index, mask = FlatIndex(embeddings), np.isin(np.arange(count), base)

    found = BlockSearch(ids, embeddings).nearest(np.arange(count), base, k)

    for row, embedding in enumerate(embeddings):
        expected = index.search(embedding, k, exclude=row, among=mask)
        number = len(expected.rows)
        assert found.rows[row, :number].tolist() == expected.rows.tolist()
        assert found.distances[row, :number].tolist() == expected.distances.tolist()
        assert (found.rows[row, number:] == -1).all()
        assert np.isinf(found.distances[row, number:]).all()


@pytest.mark.parametrize("distance", [0.0, 1e3, 1e6])
def test_many_near_embeddings_far_from_the_origin_are_ordered(distance: float) -> None:
    """The product of large vectors has a rounding error above the distances between them."""
    rng = np.random.default_rng(0)
    embeddings = (distance + rng.normal(size=(600, 8))).astype(np.float32)
    embeddings[200:300] = embeddings[0]
    ids = [f"{number:03}" for number in rng.permutation(600)]
    rows = np.arange(600)
    found = BlockSearch(ids, embeddings).nearest(rows, rows, 3)
    for row in rows:
        difference = embeddings.astype(float) - embeddings[row].astype(float)
        apart = np.linalg.norm(difference, axis=1)
        apart[row] = np.inf
        expected = sorted(rows.tolist(), key=lambda other: (apart[other], ids[other]))[:3]
        assert found.rows[row].tolist() == expected
        assert found.distances[row].tolist() == apart[expected].tolist()
