"""What is said of experiments: each one's report, and their comparison."""

import math
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from embeddings.frozen_model import FrozenModel

Status = Literal["done", "skipped"]
Verdict = Literal["better", "worse", "no evidence of a difference"]


class ClassReport(FrozenModel):
    """How well one class of the validation set is recognised; shares in 0-1."""

    label: str = Field(description="The class.")
    precision: float = Field(description="Share of the predictions of this class that are right.")
    recall: float = Field(description="Share of the photographs of this class that are found.")
    f1: float = Field(description="Harmonic mean of precision and recall.")
    support: int = Field(description="Validation photographs of this class.")


class Curves(FrozenModel):
    """Figures after each epoch, on the part trained on and on the part held out for tuning."""

    loss: tuple[float, ...] = Field(
        (), description="Cross-entropy in nats, on the part trained on."
    )
    accuracy: tuple[float, ...] = Field((), description="Share of the part trained on, 0-1.")
    tuning_loss: tuple[float, ...] = Field(
        (), description="Cross-entropy in nats, on the part held out."
    )
    tuning_accuracy: tuple[float, ...] = Field((), description="Share of the part held out, 0-1.")


class Evidence(FrozenModel):
    """How sure the accuracy of an experiment is, and its difference to the first experiment."""

    seeds: int = Field(description="Repeats that the accuracy is the mean of.")
    lowest: float = Field(description="Lowest accuracy among the repeats, 0-1.")
    highest: float = Field(description="Highest accuracy among the repeats, 0-1.")
    interval: tuple[float, float] = Field(
        description="95 % bootstrap interval of the accuracy, drawn by photographer, 0-1."
    )
    p_value: float | None = Field(
        None,
        description="Chance of so unequal errors if this network and the first experiment's were "
        "equally good (exact McNemar test, first seeds); null for the first itself.",
    )
    p_adjusted: float | None = Field(
        None, description="The same with Holm's correction for the number of experiments."
    )
    verdict: Verdict | None = Field(
        None, description="Compared with the first experiment, at 5 % after the correction."
    )


class Cost(FrozenModel):
    """What answering costs: the exported encoder on the processor of the training machine."""

    latency_ms: float = Field(description="Median time of one photograph, pixels given, in ms.")
    images_per_second: float = Field(description="Photographs a second in batches, all cores.")


class ExperimentSummary(FrozenModel):
    """One line of the comparison. Figures of an experiment that was skipped are null."""

    name: str = Field(description="The experiment's name.")
    family: str = Field(
        description="Own network, technique, combination, transfer or distillation."
    )
    base: str | None = Field(description="The experiment that this one changes.")
    change: str = Field(description="What is different from the base, in words.")
    status: Status = Field(description="Whether it was trained.")
    reason: str | None = Field(None, description="Why it was skipped, and what to do.")
    accuracy: float | None = Field(
        None, description="Share of validation photographs, 0-1; the mean over the seeds."
    )
    macro_f1: float | None = Field(
        None, description="Mean F1 over the classes, 0-1; the mean over the seeds."
    )
    tuning_accuracy: float | None = Field(
        None,
        description="Share of the part of the training set that was held out for choices, 0-1; "
        "the mean over the seeds.",
    )
    tuning_loss: float | None = Field(
        None, description="Mean cross-entropy in nats of the same part; the mean over the seeds."
    )
    precision_at_3: float | None = Field(
        None,
        description="Of the three training photographs nearest to a validation photograph, the "
        "share of its class, 0-1; by the penultimate layer.",
    )
    pooled_precision_at_3: float | None = Field(
        None, description="The same by the pooled features that the penultimate layer is made of."
    )
    parameters: int | None = Field(None, description="All weights of the network.")
    trainable_parameters: int | None = Field(None, description="Weights that training changed.")
    train_seconds: float | None = Field(
        None,
        description="Wall-clock time of training in seconds, frozen features included; the mean "
        "over the seeds.",
    )
    epochs: int | None = Field(None, description="Epochs trained.")
    input: tuple[int, int] | None = Field(None, description="Height and width in pixels.")
    cost: Cost | None = Field(None, description="What answering costs.")
    evidence: Evidence | None = Field(None, description="How sure the accuracy is.")


class ExperimentReport(ExperimentSummary):
    """Everything kept of one experiment; curves and matrices are those of the first seed."""

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


class Comparison(FrozenModel):
    """All experiments of a preset on one split, and the best of them."""

    preset: str
    classes: tuple[str, ...]
    train: int = Field(description="Photographs to learn from, those for tuning included.")
    tuning: int = Field(description="Photographs of these held out for early stopping and choices.")
    validation: int = Field(description="Photographs of the validation set.")
    best: str = Field(
        description="The experiment with the highest tuning accuracy or, without a tuning part, "
        "with the lowest loss on the photographs learned from; validation plays no part."
    )
    experiments: tuple[ExperimentReport, ...]
    random_split: tuple[ExperimentReport, ...] = Field(
        (), description="Some of them trained anew under a split that takes no account of groups."
    )


def rank_experiments(reports: Iterable[ExperimentReport]) -> list[ExperimentReport]:
    """Return the finished experiments, the best first, without looking at the validation set.

    The best has the highest tuning accuracy. Without a tuning part, it has the lowest loss on the
    photographs learned from, after the last epoch. Of equals, the smaller network comes first.
    """

    def order(report: ExperimentReport) -> tuple[float, float, int]:
        loss = report.curves.loss[-1] if report.curves.loss else math.inf
        if report.tuning_accuracy is not None:
            loss = math.inf
        return -(report.tuning_accuracy or 0.0), loss, report.parameters or 0

    return sorted((report for report in reports if report.status == "done"), key=order)


def choose_best(reports: Iterable[ExperimentReport]) -> ExperimentReport:
    """Return the first of the ranked experiments. Raises ValueError if none is finished."""
    found = rank_experiments(reports)
    if not found:
        raise ValueError("No experiment is finished; run `belvedere train` first.")
    return found[0]
