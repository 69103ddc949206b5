"""Losses of embeddings against their definitions, computed pair by pair."""

import math

import keras
import numpy as np
import pytest

from training.models.losses import CosineMargin, SupervisedContrastive, joint_accuracy
from training.trainers.fit import one_hot

LABELS = np.array([0, 1, 0, 2, 1, 0])


def outputs() -> np.ndarray:
    """Return embeddings of length 1 and probabilities, side by side."""
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(6, 4))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    probabilities = rng.dirichlet(np.ones(3), 6)
    return np.concatenate([embeddings, probabilities], axis=1).astype(np.float32)


def test_the_margin_is_taken_from_the_cosine_of_the_true_class() -> None:
    cosines = np.random.default_rng(1).uniform(-0.3, 0.3, (6, 3))
    powers = np.exp(16 * cosines)
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    found = np.asarray(CosineMargin(reduction=None)(one_hot(LABELS, 3), probabilities))
    for row, label in enumerate(LABELS):
        logits = 16 * (cosines[row] - 0.2 * (np.arange(3) == label))
        expected = math.log(np.exp(logits).sum()) - logits[label]
        assert found[row] == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_the_contrastive_loss_prefers_images_of_the_same_class() -> None:
    given = outputs()
    embeddings, probabilities = given[:, :4].astype(float), given[:, 4:].astype(float)
    found = np.asarray(SupervisedContrastive(reduction=None)(one_hot(LABELS, 3), given))
    for row, label in enumerate(LABELS):
        others = [each for each in range(6) if each != row]
        powers = {each: math.exp(embeddings[row] @ embeddings[each] / 0.1) for each in others}
        total = sum(powers.values())
        same = [-math.log(powers[each] / total) for each in others if LABELS[each] == label]
        contrastive = sum(same) / len(same) if same else 0
        expected = contrastive - math.log(probabilities[row, label])
        assert found[row] == pytest.approx(expected, rel=1e-4)


def test_the_accuracy_is_that_of_the_probabilities() -> None:
    given = outputs()
    correct = np.asarray(joint_accuracy(keras.ops.convert_to_tensor(one_hot(LABELS, 3)), given))
    np.testing.assert_array_equal(correct, given[:, 4:].argmax(axis=1) == LABELS)
