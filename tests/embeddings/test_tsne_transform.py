import numpy as np
import pytest
from openTSNE import PartialTSNEEmbedding, TSNEEmbedding, initialization
from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn
from scipy.sparse import csr_matrix

from embeddings.index.flat import FlatIndex
from embeddings.tsne import fit_map, transform


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


def test_transform_agrees_with_open_tsne() -> None:
    rng = np.random.default_rng(3)
    centres = rng.normal(scale=6, size=(5, 16))
    drawn = centres[rng.integers(0, 5, 260)] + rng.normal(size=(260, 16))
    embeddings = drawn.astype(np.float32)
    points = fit_map(embeddings[:200], seed=0, threads=1)
    index = FlatIndex([str(row) for row in range(200)], embeddings[:200])
    ours = np.array([transform(index, points, each) for each in embeddings[200:]])
    theirs = np.array([placed_by_open_tsne(index, points, each) for each in embeddings[200:]])
    apart = np.linalg.norm(ours - theirs, axis=1) / np.ptp(points, axis=0).max()
    assert np.median(apart) < 1e-3
    assert apart.max() < 0.02


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 30])
def test_equal_embeddings_give_a_point_among_them(count: int) -> None:
    embeddings = np.ones((count, 4), np.float32)
    points = np.random.default_rng(0).normal(size=(count, 2))
    index = FlatIndex([str(row) for row in range(count)], embeddings)
    x, y = transform(index, points, embeddings[0])
    assert np.isfinite((x, y)).all()
    assert np.abs((x, y)).max() < 20
