"""Records of uncertainty: calibration, conformal prediction sets and typicality."""

from typing import Literal

from pydantic import Field

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
    coverage: float = Field(description="Share of sets that contain the class, 0-1.")
    support: int = Field(description="Validation images of this class.")


class PredictionSets(FrozenModel):
    """Conformal prediction sets: all classes with a probability of at least a threshold.

    Method: split conformal prediction with least ambiguous sets (Sadinle et al. 2019). The
    threshold is computed on the tuning set; for images of the same distribution, a share `level`
    of the sets contains the true class. If all probabilities are low, the set can be empty.
    """

    level: float = Field(description="Target share of sets that contain the true class, 0-1.")
    threshold: float = Field(description="Smallest probability of a class in the set, 0-1.")
    coverage: float = Field(
        description="Share of validation images with the true class in the set, 0-1."
    )
    mean_size: float = Field(description="Mean number of classes per set, on the validation set.")
    empty: float = Field(description="Share of empty sets, 0-1, on the validation set.")
    per_class: tuple[ClassCoverage, ...] = Field(description="Coverage of each class.")


class Typicality(FrozenModel):
    """Distances of validation images to the training set, in ascending order."""

    neighbor: int = Field(description="Rank of the training image that the distance refers to.")
    distances: tuple[float, ...] = Field(description="Distances in ascending order, without unit.")
    metric: Literal["euclidean"] = Field("euclidean", description="Distance measure.")


class UncertaintyReport(FrozenModel):
    """Calibration and prediction sets of a release."""

    calibration: Calibration
    sets: PredictionSets
