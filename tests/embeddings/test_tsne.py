import numpy as np
import pytest

from embeddings.index.flat import FlatIndex
from embeddings.tsne import fit_map, transform


def clusters(per_cluster: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(scale=10, size=(3, 16))
    return np.concatenate([centre + rng.normal(size=(per_cluster, 16)) for centre in centres])


def test_clusters_stay_together_and_a_new_embedding_joins_its_cluster() -> None:
    embeddings = clusters().astype(np.float32)
    points = fit_map(embeddings, seed=0)
    assert points.shape == (120, 2)
    centres = points.reshape(3, 40, 2).mean(axis=1)
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, np.repeat([0, 1, 2], 40))

    index = FlatIndex([str(row) for row in range(120)], embeddings)
    placed = transform(index, points, embeddings[50] + np.float32(0.05))
    assert np.linalg.norm(centres - placed, axis=1).argmin() == 1


def test_equal_seeds_give_equal_maps() -> None:
    embeddings = clusters(20).astype(np.float32)
    assert np.allclose(fit_map(embeddings, seed=1, threads=1), fit_map(embeddings, 1, threads=1))
    assert not np.allclose(fit_map(embeddings, seed=1), fit_map(embeddings, seed=2))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_tiny_collections_have_a_map(count: int) -> None:
    embeddings = clusters(5)[:count].astype(np.float32)
    points = fit_map(embeddings)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
    index = FlatIndex([str(row) for row in range(count)], embeddings)
    assert np.isfinite(transform(index, points, embeddings[0])).all()
