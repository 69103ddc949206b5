"""Heads on features: repeated training, and the kinds of embeddings."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from embeddings.arrays import Floats
from embeddings.encoded import Encoded
from training.experiments.config import FrozenTransfer
from training.models.heads import encoder_of, whitening
from training.trainers.fit import Examples, one_hot
from training.trainers.head import ReusedHead, fit_head

EXPERIMENT = FrozenTransfer("head", "", hidden=8, dropout=0.5, epochs=4, batch=16, early_stopping=1)
CLASSES = 3
KINDS = {
    "dense": EXPERIMENT,
    "proxy": replace(EXPERIMENT, metric="proxy"),
    "cosine-margin": replace(EXPERIMENT, metric="cosine-margin"),
    "contrastive": replace(EXPERIMENT, metric="contrastive"),
    "whitened": replace(EXPERIMENT, whitening=True, hidden=4, dropout=0.0),
}


def features(count: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32)


def examples(count: int, seed: int) -> Examples:
    inputs = features(count, seed)
    return Examples(inputs, one_hot(inputs[:, :CLASSES].argmax(axis=1), CLASSES))


def by_a_new_head(
    fitted: Examples,
    tuning: Examples,
    others: Floats,
    seed: int,
    experiment: FrozenTransfer = EXPERIMENT,
) -> Encoded:
    keras.utils.set_random_seed(seed)
    head, _ = fit_head(experiment, fitted, tuning, lambda end: None)
    return Encoded(*encoder_of(head).predict(others, batch_size=256, verbose=0))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_reused_head_gives_the_results_of_a_new_one_in_every_bit(kind: str) -> None:
    experiment = KINDS[kind]
    fitted, tuning, others = examples(50, 1), examples(20, 2), features(300, 3)
    relabelled = Examples(fitted.inputs, np.roll(fitted.targets, 1, axis=0))
    reused = ReusedHead(experiment, 5, CLASSES, 50)
    for given, seed in ((fitted, 1), (relabelled, 2), (fitted, 1), (relabelled, 1)):
        found = reused.encode(given, tuning, others, seed)
        expected = by_a_new_head(given, tuning, others, seed, experiment)
        assert found.embeddings.tobytes() == expected.embeddings.tobytes()
        assert found.probabilities.tobytes() == expected.probabilities.tobytes()


def test_without_tuning_images_a_reused_head_is_trained_for_all_epochs() -> None:
    fitted, none, others = examples(50, 1), examples(0, 2), features(30, 3)
    reused = ReusedHead(EXPERIMENT, 5, CLASSES, 50)
    for seed in (1, 2):
        found = reused.encode(fitted, none, others, seed)
        expected = by_a_new_head(fitted, none, others, seed)
        assert found.probabilities.tobytes() == expected.probabilities.tobytes()


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"dense", "whitened"}))
def test_a_head_for_search_learns_the_classes_with_embeddings_of_length_1(kind: str) -> None:
    experiment = replace(KINDS[kind], dropout=0.0, epochs=40, early_stopping=40, learning_rate=1e-2)
    found = by_a_new_head(examples(200, 1), examples(50, 2), features(100, 3), 1, experiment)
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-5)
    labels = features(100, 3)[:, :CLASSES].argmax(axis=1)
    assert (found.probabilities.argmax(axis=1) == labels).mean() > 0.85
    distances = np.linalg.norm(found.embeddings[:, None] - found.embeddings[None], axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1]
    assert (labels[nearest] == labels).mean() > 0.7


def test_whitened_features_have_unit_covariance_and_zeros_without_variance() -> None:
    rng = np.random.default_rng(0)
    correlated = (rng.normal(size=(400, 3)) @ rng.normal(size=(3, 6)) + 5).astype(np.float32)
    weights, bias = whitening(correlated, 5)
    projected = correlated @ weights + bias
    np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(projected.T), np.diag([1, 1, 1, 0, 0]), atol=1e-2)


def test_fewer_images_than_dimensions_are_whitened() -> None:
    few = features(3, 0)
    weights, bias = whitening(few, 8)
    assert weights.shape == (5, 8)
    assert np.isfinite(few @ weights + bias).all()
