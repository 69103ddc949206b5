import numpy as np
import pytest

from embeddings.fixed_map import FixedMap
from embeddings.index.flat import FlatIndex
from embeddings.tsne import fit_map
from tests.embeddings.test_fixed_map import placed_on


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

    index = FlatIndex(embeddings)
    (placed,) = placed_on(FixedMap.of(points), index, embeddings[50:51] + np.float32(0.05))
    assert np.linalg.norm(centres - placed, axis=1).argmin() == 1


@pytest.fixture(scope="module")
def map_of_120() -> np.ndarray:
    return fit_map(clusters().astype(np.float32), seed=0, threads=1)


@pytest.mark.parametrize("most_fitted", [1000, 90])
def test_known_images_stay_and_new_ones_join_their_cluster(most_fitted: int) -> None:
    embeddings = clusters().astype(np.float32)
    before = fit_map(embeddings, 0, threads=1, most_fitted=most_fitted)
    new = np.arange(120) % 10 == 0
    known = np.where(new[:, None], np.nan, before)
    points = fit_map(embeddings, 0, threads=1, known=known, most_fitted=most_fitted)
    moved = np.linalg.norm(points - before, axis=1) / np.ptp(before, axis=0).max()
    assert moved[~new].mean() < 0.02
    centres = before.reshape(3, 40, 2).mean(axis=1)
    nearest = np.linalg.norm(points[new][:, None] - centres, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, np.repeat([0, 1, 2], 4))


def test_without_new_images_the_map_stays(map_of_120: np.ndarray) -> None:
    remaining = clusters().astype(np.float32)[5:]
    points = fit_map(remaining, 0, threads=1, known=map_of_120[5:])
    assert np.array_equal(points, map_of_120[5:])


def test_a_map_of_mostly_new_images_is_fitted_anew(map_of_120: np.ndarray) -> None:
    known = np.full((120, 2), np.nan)
    known[:50] = map_of_120[:50] + 1000
    points = fit_map(clusters().astype(np.float32), 0, threads=1, known=known)
    assert np.allclose(points, map_of_120)


def test_the_images_of_a_large_map_are_placed_among_a_sample() -> None:
    embeddings = clusters(200).astype(np.float32)
    points = fit_map(embeddings, threads=1, most_fitted=90)
    centres = np.median(points.reshape(3, 200, 2), axis=1)
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, np.repeat([0, 1, 2], 200))
    assert len(np.unique(points, axis=0)) == 600


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
    index = FlatIndex(embeddings)
    assert np.isfinite(placed_on(FixedMap.of(points), index, embeddings[:1])).all()
