"""Calibration: a temperature for the probabilities, and sets that hold the true class."""

import math

import keras
import numpy as np
from scipy.optimize import minimize_scalar

from embeddings.runtime import Floats
from embeddings.trust import (
    Calibration,
    ClassCoverage,
    PredictionSets,
    Reliability,
    ReliabilityBin,
    Trust,
)
from training.dataset import Dataset, Labels
from training.evaluation import cross_entropy
from training.networks import PROBABILITIES
from training.runs import Predictions

LEVEL = 0.9
_BINS = 15
_TINY = 1e-12


def fit_temperature(probabilities: Floats, labels: Labels) -> float:
    """The temperature with the lowest cross-entropy. Method: Guo et al. 2017.

    Takes probabilities of shape (n, classes) and labels of shape (n,).
    """

    def loss(exponent: float) -> float:
        return cross_entropy(scale(probabilities, math.exp(exponent)), labels)

    return math.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x)


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


def reliability(probabilities: Floats, labels: Labels) -> Reliability:
    """Compare probabilities of shape (n, classes) with how often they are right, in 15 ranges."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    bins = []
    for each in range(_BINS):
        here = number == each
        count = int(here.sum())
        bins.append(
            ReliabilityBin(
                low=each / _BINS,
                high=(each + 1) / _BINS,
                count=count,
                confidence=float(confidence[here].mean()) if count else 0.0,
                accuracy=float(right[here].mean()) if count else 0.0,
            )
        )
    error = sum(each.count * abs(each.confidence - each.accuracy) for each in bins)
    return Reliability(error=error / len(labels), bins=tuple(bins))


def conformal_threshold(probabilities: Floats, labels: Labels, level: float = LEVEL) -> float:
    """The probability that a class needs to stand in a set.

    Of n photographs of known class, the ⌈(n + 1) · level⌉-th most probable true class sets it; with
    too few of them every class does.
    """
    chances = np.sort(probabilities[np.arange(len(labels)), labels])[::-1]
    rank = math.ceil((len(chances) + 1) * level)
    return float(chances[rank - 1]) if rank <= len(chances) else 0.0


def prediction_sets(
    threshold: float, probabilities: Floats, labels: Labels, classes: tuple[str, ...]
) -> PredictionSets:
    """What the sets of this threshold hold on photographs that had no part in it."""
    member = probabilities >= threshold
    covered = member[np.arange(len(labels)), labels]
    sizes = member.sum(axis=1)
    return PredictionSets(
        level=LEVEL,
        threshold=threshold,
        coverage=float(covered.mean()),
        mean_size=float(sizes.mean()),
        empty=float((sizes == 0).mean()),
        per_class=tuple(
            ClassCoverage(
                label=label,
                coverage=float(covered[labels == number].mean()) if (labels == number).any() else 0,
                support=int((labels == number).sum()),
            )
            for number, label in enumerate(classes)
        ),
    )


def trust(predictions: Predictions, dataset: Dataset, held_out: Floats | None = None) -> Trust:
    """Fit temperature and threshold on the training part, and say what they give on validation.

    The temperature is that of `held_out`, what networks without a photograph's group say of the
    photographs to fit on, since the tuning part alone is small and has few photographers; else of
    the tuning part. The threshold is always that of the tuning part: what it promises holds for
    the very network that is published.
    """
    parts = dataset.parts
    tuning, validation = dataset.labels[parts.tuning], dataset.labels[parts.validation]
    if held_out is not None:
        temperature = fit_temperature(held_out, dataset.labels[parts.fit])
    else:
        temperature = fit_temperature(predictions.tuning, tuning)
    known = scale(predictions.tuning, temperature)
    published = scale(predictions.validation, temperature)
    threshold = conformal_threshold(known, tuning)
    return Trust(
        calibration=Calibration(
            temperature=temperature,
            before=reliability(predictions.validation, validation),
            after=reliability(published, validation),
        ),
        sets=prediction_sets(threshold, published, validation, dataset.classes),
    )
