"""Report of a simulation: corrected labels from the review queue against corrections at random."""

from typing import Literal

from pydantic import Field

from embeddings.frozen_model import FrozenModel
from embeddings.release.reports import Verdict

Noise = Literal["class", "image"]


class SimulatedAccuracy(FrozenModel):
    """Validation accuracy of the heads of all repeats, 0-1."""

    accuracy: float = Field(description="Mean over the repeats, 0-1.")
    interval: tuple[float, float] = Field(
        description="95 % bootstrap interval, 0-1; photographers and repeats are resampled."
    )


class LoopStep(FrozenModel):
    """Heads that were trained after the labels of some images were checked and corrected."""

    checked: int = Field(description="Training images whose label was checked.")
    found_by_queue: float = Field(
        description="Wrong labels among the first images of the queue, mean over the repeats."
    )
    found_at_random: float = Field(
        description="Wrong labels among as many images drawn at random, mean over the repeats."
    )
    queue: SimulatedAccuracy = Field(description="After the first images of the queue.")
    random: SimulatedAccuracy = Field(description="After images drawn at random.")
    difference: float = Field(
        description="Accuracy after the queue minus that after images at random."
    )
    interval: tuple[float, float] = Field(
        description="95 % bootstrap interval of the difference; photographers and repeats are "
        "resampled."
    )
    p_value: float = Field(
        description="p-value of the paired sign-flip test, two-sided; photographers are the units."
    )
    p_adjusted: float = Field(
        description="p-value after Holm's correction for the number of steps."
    )
    verdict: Verdict = Field(
        description="The queue compared with images at random, at the 5 % level after correction."
    )


class SimulatedReview(FrozenModel):
    """Simulated review of training labels, some of which were replaced by wrong ones.

    Heads on the same frozen features are trained with the wrong labels, after corrections, and with
    all labels as stored. All are evaluated on the same validation images, whose labels stay.
    """

    noise: Noise = Field(
        description="Distribution of the wrong labels. `class`: images drawn at random, and a "
        "class drawn by the confusion of the image's class. `image`: images drawn by the "
        "out-of-fold probability of the other classes, and a class drawn by these probabilities."
    )
    wrong: int = Field(description="Training images with a wrong label.")
    none: SimulatedAccuracy = Field(description="Without any correction.")
    everything: SimulatedAccuracy = Field(description="With all labels as stored.")
    steps: tuple[LoopStep, ...] = Field(description="Numbers of checked images, ascending.")


class LabelLoop(FrozenModel):
    """Report of the simulated reviews of one dataset version."""

    experiment: str = Field(description="Experiment whose head is trained on frozen features.")
    train: int = Field(description="Training images, including the tuning set.")
    validation: int = Field(description="Validation images.")
    share: float = Field(description="Share of the training labels that is wrong, 0-1.")
    repeats: int = Field(description="Repeats with other wrong labels, random images and heads.")
    seed: int = Field(description="Seed of the first repeat.")
    reviews: tuple[SimulatedReview, ...] = Field(description="A review for each kind of noise.")
