"""Calibration: a temperature for the probabilities of a network."""

import math

import keras
import numpy as np
from scipy.optimize import brentq, minimize_scalar

from embeddings.arrays import Floats, Labels
from training.data.dataset import Dataset
from training.evaluation.metrics import cross_entropy
from training.models.networks import PROBABILITIES
from training.runs import Predictions

_TINY = 1e-12
_EXPONENTS = (-2.0, 2.0)
"""Bounds of the temperature's natural logarithm."""


def fit_temperature(probabilities: Floats, labels: Labels) -> float:
    """Return the temperature with the lowest cross-entropy, in 0.14-7.4. Method: Guo et al. 2017.

    Takes probabilities of shape (n, classes) and labels of shape (n,). A temperature below 1 raises
    the mean confidence to (n + 1) / (n + 2) at most: n photographs that are all recognised show no
    more (Laplace's rule of succession). Returns 1 without photographs.
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
    """Put the temperature into a network's last layer.

    So what serves needs no step of its own, and the embedding stays what it was.
    """
    last = network.get_layer(PROBABILITIES)
    last.set_weights([weights / temperature for weights in last.get_weights()])


def temperature_of(
    predictions: Predictions, dataset: Dataset, out_of_fold: Floats | None = None
) -> float:
    """Fit the temperature of a network on photographs of the training part.

    It is that of `out_of_fold`, predictions of the photographs to fit on by networks that have seen
    none of their group, since the tuning part is small and has few photographers. Rows of zeros in
    it are photographs without a prediction. Without `out_of_fold`, it is that of the tuning part;
    without a tuning part, it is 1.
    """
    parts = dataset.parts
    if out_of_fold is None:
        return fit_temperature(predictions.tuning, dataset.labels[parts.tuning])
    known = out_of_fold.any(axis=1)
    return fit_temperature(out_of_fold[known], dataset.labels[parts.fit][known])
