"""What a release says of how far its answers can be trusted."""

from typing import Literal

from pydantic import Field

from embeddings.frozen_model import FrozenModel


class ReliabilityBin(FrozenModel):
    """Validation photographs whose most probable class has a probability in one range."""

    low: float = Field(description="Where the range begins, 0-1.")
    high: float = Field(description="Where it ends, 0-1.")
    count: int = Field(description="Photographs in it.")
    confidence: float = Field(description="Their mean probability, 0-1; 0 where there are none.")
    accuracy: float = Field(description="Share of them that is right, 0-1; 0 where there are none.")


class Reliability(FrozenModel):
    """Whether probabilities are what they say, on the validation set."""

    error: float = Field(
        description="Expected calibration error, 0-1: the mean distance between probability and "
        "accuracy over the ranges, weighted by their photographs."
    )
    bins: tuple[ReliabilityBin, ...] = Field(description="Ranges of probability, the lowest first.")


class Calibration(FrozenModel):
    """The temperature that the published probabilities were scaled with, and what it changed."""

    temperature: float = Field(
        description="Logits are divided by it; fitted on the training part alone."
    )
    before: Reliability = Field(description="As the network was trained.")
    after: Reliability = Field(description="As it is published.")


class ClassCoverage(FrozenModel):
    """How often the sets hold the true class of one class's validation photographs."""

    label: str = Field(description="The class.")
    coverage: float = Field(description="Share, 0-1.")
    support: int = Field(description="Validation photographs of this class.")


class PredictionSets(FrozenModel):
    """Conformal prediction sets: every class whose probability reaches a threshold.

    Method: split conformal prediction with the least ambiguous sets (Sadinle et al. 2019). The
    threshold comes from the tuning part; on like photographs the sets hold the true class as often
    as `level` says. A photograph that the network is unusually unsure of can have an empty set.
    """

    level: float = Field(
        description="Share of photographs, 0-1, whose true class the set shall hold."
    )
    threshold: float = Field(description="Least probability of a class in the set, 0-1.")
    coverage: float = Field(
        description="Share of validation photographs, 0-1, that it does hold for."
    )
    mean_size: float = Field(description="Mean number of classes in a set, on the validation set.")
    empty: float = Field(description="Share of empty sets, 0-1, on the validation set.")
    per_class: tuple[ClassCoverage, ...] = Field(description="The coverage of each class.")


class Typicality(FrozenModel):
    """How far validation photographs are from the training photographs, sorted."""

    neighbor: int = Field(description="Which of the nearest training photographs is measured to.")
    distances: tuple[float, ...] = Field(description="Euclidean, ascending; they have no unit.")
    metric: Literal["euclidean"] = Field("euclidean", description="How distances are measured.")


class UncertaintyReport(FrozenModel):
    """What a release says of the certainty of its answers."""

    calibration: Calibration
    sets: PredictionSets
