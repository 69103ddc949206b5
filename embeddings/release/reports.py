"""Reports of experiments, and their comparison."""

import math
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from embeddings.frozen_model import FrozenModel
from embeddings.release.retrieval import Retrieval

Status = Literal["done", "skipped"]
Verdict = Literal["better", "worse", "no evidence of a difference"]


class ClassReport(FrozenModel):
    """Precision, recall and F1 of one class of the validation set, 0-1."""

    label: str = Field(description="Class.")
    precision: float = Field(description="Share of the predictions of this class that are correct.")
    recall: float = Field(description="Share of the images of this class that are predicted as it.")
    f1: float = Field(description="Harmonic mean of precision and recall.")
    support: int = Field(description="Validation images of this class.")


class Curves(FrozenModel):
    """Loss and accuracy after each epoch, on the fitted images and on the tuning set."""

    loss: tuple[float, ...] = Field((), description="Cross-entropy in nats, on the fitted images.")
    accuracy: tuple[float, ...] = Field((), description="Accuracy on the fitted images, 0-1.")
    tuning_loss: tuple[float, ...] = Field(
        (), description="Cross-entropy in nats, on the tuning set."
    )
    tuning_accuracy: tuple[float, ...] = Field((), description="Accuracy on the tuning set, 0-1.")


class Evidence(FrozenModel):
    """Statistical evidence: interval of the accuracy, and test against the first experiment."""

    seeds: int = Field(description="Number of repeats with different seeds.")
    lowest: float = Field(description="Lowest accuracy among the repeats, 0-1.")
    highest: float = Field(description="Highest accuracy among the repeats, 0-1.")
    interval: tuple[float, float] = Field(
        description="95 % bootstrap interval of the accuracy, 0-1; resampled by photographer."
    )
    p_value: float | None = Field(
        None,
        description="p-value of the exact McNemar test against the first experiment (first seeds); "
        "null for the first experiment.",
    )
    p_adjusted: float | None = Field(
        None, description="p-value after Holm's correction for the number of experiments."
    )
    verdict: Verdict | None = Field(
        None, description="Comparison with the first experiment at the 5 % level after correction."
    )


class Cost(FrozenModel):
    """Inference cost of the exported encoder on the processor of the training machine."""

    latency_ms: float = Field(description="Median inference time of one decoded image, in ms.")
    images_per_second: float = Field(description="Throughput in images per second, all cores.")


class ExperimentSummary(FrozenModel):
    """Row of the comparison; metrics of a skipped experiment are null."""

    name: str = Field(description="Name of the experiment.")
    family: str = Field(
        description="Own network, technique, combination, transfer or distillation."
    )
    base: str | None = Field(description="Experiment that this one changes.")
    change: str = Field(description="Difference from the base, as text.")
    status: Status = Field(description="`done` if trained, otherwise `skipped`.")
    reason: str | None = Field(None, description="Reason for skipping it, with advice.")
    accuracy: float | None = Field(
        None, description="Accuracy on the validation set, 0-1; mean over the seeds."
    )
    macro_f1: float | None = Field(None, description="Macro-averaged F1, 0-1; mean over the seeds.")
    tuning_accuracy: float | None = Field(
        None,
        description="Accuracy on the tuning set, 0-1; mean over the seeds.",
    )
    tuning_loss: float | None = Field(
        None, description="Cross-entropy in nats on the tuning set; mean over the seeds."
    )
    precision_at_3: float | None = Field(
        None,
        description="Precision at 3, 0-1: share of the three training images nearest to a "
        "validation image that have its class, by the penultimate layer.",
    )
    pooled_precision_at_3: float | None = Field(
        None,
        description="Precision at 3 by the pooled features, input of the penultimate layer.",
    )
    tuning_precision_at_3: float | None = Field(
        None,
        description="Precision at 3 by the penultimate layer, 0-1: tuning images among the images "
        "to fit on; mean over the seeds.",
    )
    parameters: int | None = Field(None, description="Number of weights.")
    trainable_parameters: int | None = Field(None, description="Number of trainable weights.")
    train_seconds: float | None = Field(
        None,
        description="Wall-clock time of training in seconds, including frozen features; mean over "
        "the seeds.",
    )
    reused_seconds: float | None = Field(
        None,
        description="Part of `train_seconds` that an earlier training took: the frozen features "
        "were read from the cache, with the time of their computation; mean over the seeds.",
    )
    epochs: int | None = Field(None, description="Number of epochs.")
    input: tuple[int, int] | None = Field(None, description="Input height and width in pixels.")
    cost: Cost | None = Field(None, description="Inference cost.")
    evidence: Evidence | None = Field(None, description="Statistical evidence.")


class ExperimentReport(ExperimentSummary):
    """Full report of one experiment; curves and confusion matrix are of the first seed."""

    seed: int | None = Field(None, description="Random seed.")
    curves: Curves = Field(Curves(), description="Loss and accuracy after each epoch.")
    classes: tuple[str, ...] = Field((), description="Classes in the order of the metrics.")
    confusion: tuple[tuple[int, ...], ...] = Field(
        (), description="Rows: true class, columns: predicted class, in the order of `classes`."
    )
    per_class: tuple[ClassReport, ...] = Field((), description="Metrics of each class.")
    retrieval: Retrieval | None = Field(None, description="Search by the layers of the network.")

    def summary(self) -> ExperimentSummary:
        """Return only the row of the comparison."""
        return ExperimentSummary.model_validate(
            {name: getattr(self, name) for name in ExperimentSummary.model_fields}
        )


class PairedAccuracy(FrozenModel):
    """Accuracies of the models of one experiment on the same images, 0-1, means over seeds."""

    experiment: str = Field(description="Name of the experiment.")
    seeds: int = Field(1, description="Number of seeds that both dataset versions have.")
    before: float = Field(description="Accuracy of the models of the earlier dataset version.")
    after: float = Field(description="Accuracy of the models of this dataset version.")
    p_value: float = Field(
        description="p-value of a sign-flip test by group of the differences, means over the seeds."
    )
    verdict: Verdict = Field(description="Conclusion at the level of 5 %.")


class VersionComparison(FrozenModel):
    """Comparison with the models of an earlier dataset version.

    Both are evaluated on the validation images that both dataset versions have set aside: images
    with the same file, with their present labels.
    """

    version: str = Field(description="Tag of the earlier dataset version.")
    revision: int = Field(description="Revision of the earlier dataset version.")
    train: int = Field(description="Training images of the earlier version.")
    validation: int = Field(description="Validation images of the earlier version.")
    common: int = Field(description="Validation images of both versions.")
    best: str = Field(description="Best experiment of the earlier version.")
    accuracy: float = Field(
        description="Accuracy of the best experiment on all validation images of that version."
    )
    experiments: tuple[PairedAccuracy, ...] = Field(
        description="Experiments that were trained on both versions."
    )


class Comparison(FrozenModel):
    """Comparison of all experiments of a preset on one split of one dataset version."""

    preset: str
    version: str = Field("", description="Tag of the dataset version that was trained on.")
    revision: int = Field(0, description="Revision of the dataset version.")
    classes: tuple[str, ...]
    train: int = Field(description="Training images, including the tuning set.")
    tuning: int = Field(description="Training images held out for early stopping and selection.")
    validation: int = Field(description="Validation images.")
    best: str = Field(
        description="Among the experiments within one standard error of the highest tuning "
        "accuracy, the one with the highest precision at 3 of the tuning images; without a tuning "
        "set, the one with the lowest training loss. The validation set is not used."
    )
    experiments: tuple[ExperimentReport, ...]
    random_split: tuple[ExperimentReport, ...] = Field(
        (), description="Some of the experiments, trained on a random split that ignores groups."
    )
    versions: tuple[VersionComparison, ...] = Field(
        (), description="Comparison with the models of earlier dataset versions."
    )


def rank_experiments(
    reports: Iterable[ExperimentReport], tuning: int = 0
) -> list[ExperimentReport]:
    """Return the finished experiments, best first, without using the validation set.

    They are ordered by tuning accuracy or, without a tuning set, by the loss on the training set
    after the last epoch. Ties are ordered by the number of weights, the smaller network first.
    With the number of `tuning` images, those within one standard error of the best come first,
    ordered by their `tuning_precision_at_3` (one-standard-error rule, Breiman et al. 1984), unless
    it is unknown for one of them.
    """

    def order(report: ExperimentReport) -> tuple[float, float, int, str]:
        loss = report.curves.loss[-1] if report.curves.loss else math.inf
        if report.tuning_accuracy is not None:
            loss = math.inf
        return -(report.tuning_accuracy or 0.0), loss, report.parameters or 0, report.name

    def order_of_search(report: ExperimentReport) -> tuple[float, int, str]:
        return -(report.tuning_precision_at_3 or 0.0), report.parameters or 0, report.name

    ranked = sorted((report for report in reports if report.status == "done"), key=order)
    near = _within_one_error(ranked, tuning)
    if any(report.tuning_precision_at_3 is None for report in near):
        return ranked
    return sorted(near, key=order_of_search) + ranked[len(near) :]


def _within_one_error(ranked: list[ExperimentReport], tuning: int) -> list[ExperimentReport]:
    """Return the first experiments, whose tuning accuracy is within one standard error."""
    best = ranked[0].tuning_accuracy if ranked else None
    if not tuning or best is None:
        return []
    least = best - math.sqrt(best * (1 - best) / tuning)
    return [each for each in ranked if (each.tuning_accuracy or 0.0) >= least]


def choose_best(reports: Iterable[ExperimentReport], tuning: int = 0) -> ExperimentReport:
    """Return the first of the ranked experiments. Raises ValueError if none is finished."""
    found = rank_experiments(reports, tuning)
    if not found:
        raise ValueError("No experiment is finished; run `belvedere train` first.")
    return found[0]
