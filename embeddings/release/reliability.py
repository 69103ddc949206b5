"""Reliability of the served probabilities, and conformal prediction sets."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Floats, Labels, Rows
from embeddings.release.uncertainty import (
    Calibration,
    ClassCoverage,
    PredictionSets,
    Reliability,
    ReliabilityBin,
    UncertaintyReport,
)

LEVEL = 0.9
LEAST_OF_A_CLASS = 50
"""Images of a class below which its threshold is the overall one at most.

Below this number, the images are often of so few photographers that the threshold is too high.
"""
HIGHEST_THRESHOLD = 0.999
"""Largest threshold of prediction sets; larger probabilities saturate in float32."""
ROUNDING = 1e-4
"""Margin subtracted from thresholds; probabilities differ by less between processors."""

_BINS = 15


class Thresholds(NamedTuple):
    """Smallest probability of each class in a prediction set, and the images behind it."""

    values: Floats
    """Shape (classes,): 0-0.999."""
    counts: Rows
    """Shape (classes,): number of labelled images of each class."""


def reliability(probabilities: Floats, labels: Labels) -> Reliability:
    """Compare predicted probabilities, shape (n, classes), with the accuracy, in 15 bins."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    bins = []
    for each in range(_BINS):
        here = number == each
        bins.append(
            ReliabilityBin(
                low=each / _BINS,
                high=(each + 1) / _BINS,
                count=int(here.sum()),
                confidence=_mean(confidence[here]),
                accuracy=_mean(right[here]),
            )
        )
    error = sum(each.count * abs(each.confidence - each.accuracy) for each in bins)
    return Reliability(error=error / max(len(labels), 1), bins=tuple(bins))


def conformal_threshold(probabilities: Floats, labels: Labels, level: float = LEVEL) -> float:
    """Return the smallest probability of a class in a prediction set, 0-0.999.

    It is the ⌈(n + 1) · level⌉-th largest probability of the true class of n labelled images. For
    too small n it is 0: every set contains every class. The upper limit keeps the set of a
    confident prediction from being empty.
    """
    chances = np.sort(probabilities[np.arange(len(labels)), labels])[::-1]
    rank = math.ceil((len(chances) + 1) * level)
    if rank > len(chances):
        return 0.0
    threshold = max(0.0, min(float(chances[rank - 1]) - ROUNDING, HIGHEST_THRESHOLD))
    # Probabilities are compared with it in single precision, also by clients.
    return float(np.float32(threshold))


def class_thresholds(probabilities: Floats, labels: Labels, level: float = LEVEL) -> Thresholds:
    """Return the smallest probability of each class in a prediction set, 0-0.999.

    `probabilities` has shape (n, classes), `labels` shape (n,). The threshold of a class is that of
    its own images. For a class with fewer than 50 images it is at most that of all images, and
    exactly that if its images are too few for the level. Method: class-conditional conformal
    prediction (Vovk et al. 2005, Sadinle et al. 2019).
    """
    overall = conformal_threshold(probabilities, labels, level)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    thresholds = np.full(len(counts), overall, np.float32)
    for number, count in enumerate(counts.tolist()):
        own = labels == number
        found = conformal_threshold(probabilities[own], labels[own], level)
        if count >= LEAST_OF_A_CLASS:
            thresholds[number] = found
        elif math.ceil((count + 1) * level) <= count:
            thresholds[number] = min(found, overall)
    return Thresholds(thresholds, counts)


def prediction_sets(
    thresholds: Thresholds, probabilities: Floats, labels: Labels, classes: Sequence[str]
) -> PredictionSets:
    """Measure the prediction sets of thresholds on images not used to compute them.

    `probabilities` has shape (n, classes), `labels` shape (n,).
    """
    member = probabilities >= thresholds.values
    covered = member[np.arange(len(labels)), labels]
    sizes = member.sum(axis=1)
    return PredictionSets(
        level=LEVEL,
        coverage=_mean(covered),
        mean_size=_mean(sizes),
        empty=_mean(sizes == 0),
        per_class=tuple(
            ClassCoverage(
                label=label,
                threshold=float(thresholds.values[number]),
                calibrated_on=int(thresholds.counts[number]),
                coverage=_mean(covered[labels == number]),
                support=int((labels == number).sum()),
            )
            for number, label in enumerate(classes)
        ),
    )


def measure_uncertainty(
    temperature: float,
    before: Reliability,
    known: tuple[Floats, Labels],
    validation: tuple[Floats, Labels],
    classes: Sequence[str],
) -> UncertaintyReport:
    """Compute prediction sets on known images and measure them on the validation set.

    `known` and `validation` are pairs of probabilities, shape (n, classes), and labels, shape (n,);
    `before` is the reliability without temperature scaling.
    """
    thresholds = class_thresholds(*known)
    return UncertaintyReport(
        calibration=Calibration(
            temperature=temperature, before=before, after=reliability(*validation)
        ),
        sets=prediction_sets(thresholds, *validation, classes),
    )


def _mean(values: npt.NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else 0.0
