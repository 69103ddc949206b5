"""Limitations of a data set with few groups, reported before training."""

from collections.abc import Iterator

import numpy as np

from embeddings.arrays import Rows
from training.data.dataset import Dataset
from training.data.folds import grouped_folds
from training.evaluation.label_issues import ISSUE_FOLDS
from training.trainers.head import CALIBRATION_FOLDS


def limitations(dataset: Dataset) -> tuple[str, ...]:
    """Return a sentence for each limitation that follows from the groups of a data set."""
    return (*_tuning_limitations(dataset), *_fold_limitations(dataset))


def _tuning_limitations(dataset: Dataset) -> Iterator[str]:
    counts = np.bincount(dataset.labels[dataset.indices.tuning], minlength=len(dataset.classes))
    missing = [label for label, count in zip(dataset.classes, counts, strict=True) if not count]
    if len(missing) == len(dataset.classes):
        yield (
            "There is no tuning part, because the training images of each class form one group "
            "(one photographer or one scene): no early stopping, no combination of techniques and "
            "no calibration. The model with the lowest training loss is published."
        )
    elif missing:
        yield (
            f"The tuning part has no images of {_names(missing)}, because their training images "
            "form one group (one photographer or one scene): early stopping, the choice of the "
            "best model and the calibration use the other classes."
        )


def _fold_limitations(dataset: Dataset) -> Iterator[str]:
    indices = dataset.indices
    folds = _fold_count(dataset, indices.fit, CALIBRATION_FOLDS)
    if 0 < folds < CALIBRATION_FOLDS:
        yield f"Few groups: the calibration uses {folds} instead of {CALIBRATION_FOLDS} folds."
    elif not folds and len(indices.tuning):
        yield "Too few groups for folds: the calibration uses the tuning part only."
    judged = _fold_count(dataset, np.arange(len(dataset.labels)), ISSUE_FOLDS)
    if 0 < judged < ISSUE_FOLDS:
        yield (
            f"Few groups: the search for label errors uses {judged} instead of {ISSUE_FOLDS} folds."
        )
    elif not judged:
        yield (
            "Too few groups for folds: the search for label errors is limited to the images that "
            "the published model was not trained on."
        )


def _fold_count(dataset: Dataset, rows: Rows, most: int) -> int:
    groups = dataset.images.groups[rows].tolist()
    return len(grouped_folds(dataset.labels[rows], groups, most))


def _names(labels: list[str], most: int = 5) -> str:
    shown = ", ".join(repr(label) for label in labels[:most])
    return shown if len(labels) <= most else f"{shown} and {len(labels) - most} more classes"
