import numpy as np
import pytest
from openTSNE import PartialTSNEEmbedding, TSNEEmbedding, initialization
from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn
from scipy.sparse import csr_matrix

from embeddings.fixed_map import FixedMap
from embeddings.index.flat import FlatIndex
from embeddings.tsne import fit_map


def placed_on(map_: FixedMap, index: FlatIndex, embeddings: np.ndarray) -> np.ndarray:
    found = [index.search(each, map_.neighbors) for each in embeddings]
    return map_.place(
        np.stack([each.rows for each in found]), np.stack([each.distances for each in found])
    )


def placed_by_open_tsne(
    index: FlatIndex, points: np.ndarray, embedding: np.ndarray
) -> tuple[float, float]:
    """Transform with openTSNE, without the Barnes-Hut approximation."""
    count = len(index)
    near = index.search(embedding, k=15)
    start = initialization.median(points, near.rows[None])
    shares = joint_probabilities_nn(
        near.rows[None], near.distances[None], [5.0], symmetrize=False,
        normalization="point-wise", n_reference_samples=count,
    )  # fmt: skip
    none = PrecomputedAffinities(csr_matrix((count, count)), normalize=False)
    fitted = TSNEEmbedding(points, none, negative_gradient_method="bh", theta=0.0)
    found = PartialTSNEEmbedding(start, fitted, P=shares, negative_gradient_method="bh", theta=0.0)
    found.optimize(
        n_iter=100, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25,
        inplace=True, n_jobs=1,
    )  # fmt: skip
    return float(found[0, 0]), float(found[0, 1])


@pytest.fixture(scope="module")
def drawn() -> tuple[FlatIndex, FixedMap, np.ndarray]:
    """Return an index and a map of embeddings, and other embeddings."""
    rng = np.random.default_rng(3)
    centres = rng.normal(scale=6, size=(5, 16))
    drawn = centres[rng.integers(0, 5, 260)] + rng.normal(size=(260, 16))
    embeddings = drawn.astype(np.float32)
    points = fit_map(embeddings[:200], seed=0, threads=1)
    index = FlatIndex(embeddings[:200])
    return index, FixedMap.of(points), embeddings[200:]


def test_places_agree_with_open_tsne(drawn: tuple[FlatIndex, FixedMap, np.ndarray]) -> None:
    index, map_, embeddings = drawn
    ours = placed_on(map_, index, embeddings)
    theirs = np.array([placed_by_open_tsne(index, map_.points, each) for each in embeddings])
    apart = np.linalg.norm(ours - theirs, axis=1) / np.ptp(map_.points, axis=0).max()
    assert np.median(apart) < 1e-3
    assert apart.max() < 0.02


def test_a_place_does_not_depend_on_the_others(
    drawn: tuple[FlatIndex, FixedMap, np.ndarray],
) -> None:
    index, map_, embeddings = drawn
    together = placed_on(map_, index, embeddings)
    for number in (0, 7, 59):
        alone = placed_on(map_, index, embeddings[number : number + 1])
        assert alone.tolist() == together[number : number + 1].tolist()
    some = placed_on(map_, index, embeddings[13:31][::-1])
    assert some[::-1].tolist() == together[13:31].tolist()


def test_a_far_embedding_has_a_place_near_the_map(
    drawn: tuple[FlatIndex, FixedMap, np.ndarray],
) -> None:
    index, map_, embeddings = drawn
    (place,) = placed_on(map_, index, 1000 + embeddings[:1])
    assert np.linalg.norm(place - map_.points, axis=1).min() < 5


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 30])
def test_equal_embeddings_give_a_point_among_them(count: int) -> None:
    embeddings = np.ones((count, 4), np.float32)
    points = np.random.default_rng(0).normal(size=(count, 2))
    index = FlatIndex(embeddings)
    ((x, y),) = placed_on(FixedMap.of(points), index, embeddings[:1])
    assert np.isfinite((x, y)).all()
    assert np.abs((x, y)).max() < 20
