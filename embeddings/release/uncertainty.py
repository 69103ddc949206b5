"""Records of uncertainty: calibration, conformal prediction sets and typicality."""

from typing import Literal

import numpy as np
from pydantic import Field

from embeddings.arrays import Floats
from embeddings.frozen_model import FrozenModel


class ReliabilityBin(FrozenModel):
    """Bin of a reliability diagram: validation images by probability of the predicted class."""

    low: float = Field(description="Lower bound of the bin, 0-1.")
    high: float = Field(description="Upper bound of the bin, 0-1.")
    count: int = Field(description="Images in the bin.")
    confidence: float = Field(description="Mean probability in the bin, 0-1; 0 if empty.")
    accuracy: float = Field(description="Accuracy in the bin, 0-1; 0 if empty.")


class Reliability(FrozenModel):
    """Reliability diagram of the validation set."""

    error: float = Field(
        description="Expected calibration error, 0-1: mean difference between probability and "
        "accuracy over the bins, weighted by their number of images."
    )
    bins: tuple[ReliabilityBin, ...] = Field(description="Bins in ascending order.")


class Calibration(FrozenModel):
    """Temperature scaling of the published probabilities, and reliability without and with it."""

    temperature: float = Field(
        description="Divisor of the logits; fitted on the training set only."
    )
    before: Reliability = Field(description="Without temperature scaling.")
    after: Reliability = Field(description="With temperature scaling, as published.")


class ClassCoverage(FrozenModel):
    """Coverage of the prediction sets for the validation images of one class."""

    label: str = Field(description="Class.")
    threshold: float = Field(description="Smallest probability of the class in a set, 0-1.")
    calibrated_on: int = Field(
        description="Images of this class from which its threshold was computed."
    )
    coverage: float = Field(description="Share of sets that contain the class, 0-1.")
    support: int = Field(description="Validation images of this class.")


class PredictionSets(FrozenModel):
    """Conformal prediction sets: all classes with a probability of at least their threshold.

    Method: class-conditional conformal prediction (Vovk et al. 2005) with least ambiguous sets
    (Sadinle et al. 2019). The thresholds are computed on out-of-fold predictions of training
    images and on the tuning set; for images of the same distribution, a share `level` of the sets
    of each class contains it. If all probabilities are low, the set can be empty: no class is as
    probable as it is for most images of that class.
    """

    level: float = Field(description="Target share of sets that contain the true class, 0-1.")
    coverage: float = Field(
        description="Share of validation images with the true class in the set, 0-1."
    )
    mean_size: float = Field(description="Mean number of classes per set, on the validation set.")
    empty: float = Field(description="Share of empty sets, 0-1, on the validation set.")
    per_class: tuple[ClassCoverage, ...] = Field(
        description="Threshold and coverage of each class, in the order of the classes."
    )

    @property
    def thresholds(self) -> Floats:
        """Smallest probability of each class in a set: shape (classes,)."""
        return np.array([each.threshold for each in self.per_class], np.float32)


class Typicality(FrozenModel):
    """Distances of validation images to the training set, in ascending order."""

    neighbor: int = Field(description="Rank of the training image that the distance refers to.")
    distances: tuple[float, ...] = Field(description="Distances in ascending order, without unit.")
    metric: Literal["euclidean"] = Field("euclidean", description="Distance measure.")


class UncertaintyReport(FrozenModel):
    """Calibration and prediction sets of a release."""

    calibration: Calibration
    sets: PredictionSets
