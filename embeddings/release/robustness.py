"""Report of the accuracy and P@3 of models on corrupted images."""

from typing import Literal

from pydantic import Field

from embeddings.frozen_model import FrozenModel

CorruptionName = Literal["blur", "noise", "jpeg", "exposure", "crop", "grey"]


class RobustnessStep(FrozenModel):
    """Metrics on the validation images after a corruption at one strength, 0-1."""

    strength: int = Field(description="Strength, 1-5.")
    value: float = Field(description="Parameter of the corruption, in its unit.")
    accuracy: float = Field(description="Accuracy on the corrupted validation images, 0-1.")
    precision_at_3: float = Field(
        description="Precision at 3 of corrupted validation images among training images that are "
        "not corrupted, 0-1; by the penultimate layer."
    )


class CorruptionRobustness(FrozenModel):
    """Metrics of one model under one corruption."""

    corruption: CorruptionName = Field(
        description="`blur`: Gaussian blur. `noise`: Gaussian noise. `jpeg`: compression. "
        "`exposure`: underexposure. `crop`: a part of the image at a random place, scaled to the "
        "whole input. `grey`: less saturation."
    )
    unit: str = Field(description="Unit of the parameter, as text.")
    steps: tuple[RobustnessStep, ...] = Field(description="Strengths, ascending.")


class ModelRobustness(FrozenModel):
    """Metrics of one model on clean and on corrupted validation images; its first seed."""

    experiment: str = Field(description="Best experiment of its family, by tuning accuracy.")
    family: str = Field(description="Family of the experiment.")
    accuracy: float = Field(description="Accuracy on the validation images as stored, 0-1.")
    precision_at_3: float = Field(
        description="Precision at 3 of the validation images as stored among training images, 0-1."
    )
    corruptions: tuple[CorruptionRobustness, ...] = Field(
        description="Corruptions, in one order for all models."
    )


class Robustness(FrozenModel):
    """Robustness of the best model of each family, on one dataset version."""

    validation: int = Field(description="Validation images.")
    seed: int = Field(description="Seed of the noise and of the places of crops.")
    models: tuple[ModelRobustness, ...] = Field(
        description="A model for each family, best tuning accuracy first."
    )
