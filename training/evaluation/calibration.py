"""Temperature scaling of a model's probabilities."""

import math

import keras
import numpy as np
from scipy.optimize import brentq, minimize_scalar

from embeddings.arrays import Floats, Labels
from training.data.dataset import Dataset
from training.evaluation.metrics import cross_entropy
from training.models.heads import PROBABILITIES
from training.runs import Predictions

_TINY = 1e-12
_EXPONENTS = (-2.0, 2.0)
"""Bounds of the temperature's natural logarithm."""


def fit_temperature(probabilities: Floats, labels: Labels) -> float:
    """Return the temperature with the lowest cross-entropy, in 0.14-7.4. Method: Guo et al. 2017.

    Takes probabilities of shape (n, classes) and labels of shape (n,). A temperature below 1 raises
    the mean confidence to (n + 1) / (n + 2) at most, the estimate of Laplace's rule of succession
    for n correct predictions. Returns 1 without images.
    """
    if not len(labels):
        return 1.0

    def loss(exponent: float) -> float:
        return cross_entropy(scale(probabilities, math.exp(exponent)), labels)

    def excess(exponent: float) -> float:
        confidence = scale(probabilities, math.exp(exponent)).max(axis=1).mean(dtype=np.float64)
        return float(confidence) - (len(labels) + 1) / (len(labels) + 2)

    best = float(minimize_scalar(loss, bounds=_EXPONENTS, method="bounded").x)
    if best < 0 < excess(best):
        best = brentq(excess, best, 0.0) if excess(0.0) < 0 else 0.0
    return math.exp(best)


def scale(probabilities: Floats, temperature: float) -> Floats:
    """Divide the logits behind probabilities of shape (n, classes) by a temperature."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), _TINY)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scaled: Floats = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled


def calibrate(network: keras.Model, temperature: float) -> None:
    """Divide the weights of a model's last layer by the temperature.

    The encoder needs no separate calibration step, and the embedding does not change.
    """
    last = network.get_layer(PROBABILITIES)
    last.set_weights([weights / temperature for weights in last.get_weights()])


def temperature_of(
    predictions: Predictions, dataset: Dataset, out_of_fold: Floats | None = None
) -> float:
    """Fit the temperature of a model on training images.

    Uses `out_of_fold`, predictions of the images to fit on by cross-validation, because the tuning
    images are few and have few photographers. Its rows of zeros are images without a prediction.
    Without `out_of_fold`, uses the tuning images; without these, returns 1.
    """
    indices = dataset.indices
    if out_of_fold is None:
        return fit_temperature(predictions.tuning, dataset.labels[indices.tuning])
    known = out_of_fold.any(axis=1)
    return fit_temperature(out_of_fold[known], dataset.labels[indices.fit][known])
