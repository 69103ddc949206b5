"""What is said of experiments: each one's report, and their comparison."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["done", "skipped"]


class ClassReport(BaseModel):
    """How well one class of the validation set is recognised; shares in 0-1."""

    model_config = ConfigDict(frozen=True)

    label: str = Field(description="The class.")
    precision: float = Field(description="Share of the predictions of this class that are right.")
    recall: float = Field(description="Share of the photographs of this class that are found.")
    f1: float = Field(description="Harmonic mean of precision and recall.")
    support: int = Field(description="Validation photographs of this class.")


class Curves(BaseModel):
    """Figures after each epoch, on the part trained on and on the part held out for tuning."""

    model_config = ConfigDict(frozen=True)

    loss: tuple[float, ...] = Field((), description="Cross-entropy on the part trained on.")
    accuracy: tuple[float, ...] = Field((), description="Share of the part trained on, 0-1.")
    tuning_loss: tuple[float, ...] = Field((), description="Cross-entropy on the part held out.")
    tuning_accuracy: tuple[float, ...] = Field((), description="Share of the part held out, 0-1.")


class ExperimentSummary(BaseModel):
    """One line of the comparison. Figures of an experiment that was skipped are null."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="The experiment's name.")
    family: str = Field(description="Own network, technique or transfer.")
    base: str | None = Field(description="The experiment that this one changes.")
    change: str = Field(description="What is different from the base, in words.")
    status: Status = Field(description="Whether it was trained.")
    reason: str | None = Field(None, description="Why it was skipped, and what to do.")
    accuracy: float | None = Field(None, description="Share of validation photographs, 0-1.")
    macro_f1: float | None = Field(None, description="Mean F1 over the classes, 0-1.")
    tuning_accuracy: float | None = Field(
        None,
        description="Share of the part of the training set that was held out for choices, 0-1.",
    )
    parameters: int | None = Field(None, description="All weights of the network.")
    trainable_parameters: int | None = Field(None, description="Weights that training changed.")
    train_seconds: float | None = Field(
        None, description="Wall-clock time of training, frozen features included."
    )
    epochs: int | None = Field(None, description="Epochs trained.")
    input: tuple[int, int] | None = Field(None, description="Height and width in pixels.")


class ExperimentReport(ExperimentSummary):
    """Everything kept of one experiment."""

    seed: int | None = Field(None, description="Seed of its random numbers.")
    curves: Curves = Field(Curves(), description="Figures after each epoch.")
    classes: tuple[str, ...] = Field((), description="The classes that figures are ordered by.")
    confusion: tuple[tuple[int, ...], ...] = Field(
        (), description="Rows: true class, columns: predicted class, in the order of `classes`."
    )
    per_class: tuple[ClassReport, ...] = Field((), description="Figures of each class.")

    def summary(self) -> ExperimentSummary:
        """The line of the comparison alone."""
        return ExperimentSummary.model_validate(
            {name: getattr(self, name) for name in ExperimentSummary.model_fields}
        )


class Comparison(BaseModel):
    """All experiments of a preset on one split, and the best of them."""

    model_config = ConfigDict(frozen=True)

    preset: str
    classes: tuple[str, ...]
    train: int = Field(description="Photographs to learn from, those for tuning included.")
    tuning: int = Field(description="Photographs of these held out for early stopping and choices.")
    validation: int = Field(description="Photographs of the validation set.")
    best: str = Field(
        description="The experiment with the highest tuning accuracy; validation plays no part."
    )
    experiments: tuple[ExperimentReport, ...]


def choose_best(reports: tuple[ExperimentReport, ...]) -> ExperimentReport:
    """The finished experiment with the highest tuning accuracy, of equals the smaller network.

    Raises ValueError where none is finished.
    """
    done = [report for report in reports if report.status == "done"]
    if not done:
        raise ValueError("No experiment is finished; run `belvedere train` first.")
    return max(done, key=lambda report: (report.tuning_accuracy or 0.0, -(report.parameters or 0)))
