"""A head that is trained again gives the results of a new one."""

import keras
import numpy as np

from embeddings.arrays import Floats
from embeddings.encoded import Encoded
from training.experiments.config import FrozenTransfer
from training.models.networks import encoder_of
from training.trainers.fit import Examples, one_hot
from training.trainers.head import ReusedHead, fit_head

EXPERIMENT = FrozenTransfer("head", "", hidden=8, dropout=0.5, epochs=4, batch=16, early_stopping=1)
CLASSES = 3


def features(count: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32)


def examples(count: int, seed: int) -> Examples:
    inputs = features(count, seed)
    return Examples(inputs, one_hot(inputs[:, :CLASSES].argmax(axis=1), CLASSES))


def by_a_new_head(fitted: Examples, tuning: Examples, others: Floats, seed: int) -> Encoded:
    keras.utils.set_random_seed(seed)
    head, _ = fit_head(EXPERIMENT, fitted, tuning, lambda end: None)
    return Encoded(*encoder_of(head).predict(others, batch_size=256, verbose=0))


def test_a_reused_head_gives_the_results_of_a_new_one_in_every_bit() -> None:
    fitted, tuning, others = examples(50, 1), examples(20, 2), features(300, 3)
    relabelled = Examples(fitted.inputs, np.roll(fitted.targets, 1, axis=0))
    reused = ReusedHead(EXPERIMENT, 5, CLASSES, 50)
    for given, seed in ((fitted, 1), (relabelled, 2), (fitted, 1), (relabelled, 1)):
        found = reused.encode(given, tuning, others, seed)
        expected = by_a_new_head(given, tuning, others, seed)
        assert found.embeddings.tobytes() == expected.embeddings.tobytes()
        assert found.probabilities.tobytes() == expected.probabilities.tobytes()


def test_without_tuning_images_a_reused_head_is_trained_for_all_epochs() -> None:
    fitted, none, others = examples(50, 1), examples(0, 2), features(30, 3)
    reused = ReusedHead(EXPERIMENT, 5, CLASSES, 50)
    for seed in (1, 2):
        found = reused.encode(fitted, none, others, seed)
        expected = by_a_new_head(fitted, none, others, seed)
        assert found.probabilities.tobytes() == expected.probabilities.tobytes()
