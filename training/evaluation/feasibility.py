"""Limits of a data set with few groups, told before anything is trained."""

from collections.abc import Iterator

import numpy as np

from embeddings.arrays import Rows
from training.data.dataset import Dataset
from training.data.folds import grouped_folds
from training.evaluation.label_issues import ISSUE_FOLDS
from training.trainers.head import HELD_OUT_FOLDS


def limitations(dataset: Dataset) -> tuple[str, ...]:
    """Return one sentence for each thing that the groups of a data set do not allow."""
    return (*_of_tuning(dataset), *_of_folds(dataset))


def _of_tuning(dataset: Dataset) -> Iterator[str]:
    counts = np.bincount(dataset.labels[dataset.parts.tuning], minlength=len(dataset.classes))
    missing = [label for label, count in zip(dataset.classes, counts, strict=True) if not count]
    if len(missing) == len(dataset.classes):
        yield (
            "There is no tuning part, because the training photographs of each class form one "
            "group (one photographer or one scene): no early stopping, no combination of "
            "techniques and no calibration. Published is the network with the lowest loss on the "
            "photographs learned from."
        )
    elif missing:
        yield (
            f"The tuning part holds no photographs of {_listed(missing)}, because its training "
            "photographs form one group (one photographer or one scene): early stopping, the "
            "choice of the best network and the calibration look at the other classes."
        )


def _of_folds(dataset: Dataset) -> Iterator[str]:
    parts = dataset.parts
    held_out = _folds(dataset, parts.fit, HELD_OUT_FOLDS)
    if 0 < held_out < HELD_OUT_FOLDS:
        yield f"Few groups: the calibration uses {held_out} instead of {HELD_OUT_FOLDS} folds."
    elif not held_out and len(parts.tuning):
        yield "Too few groups for folds: the calibration uses the tuning part alone."
    judged = _folds(dataset, np.arange(len(dataset.labels)), ISSUE_FOLDS)
    if 0 < judged < ISSUE_FOLDS:
        yield (
            f"Few groups: the search for label errors uses {judged} instead of {ISSUE_FOLDS} folds."
        )
    elif not judged:
        yield (
            "Too few groups for folds: label errors are searched for only among the photographs "
            "that the published network has not learned from."
        )


def _folds(dataset: Dataset, rows: Rows, most: int) -> int:
    groups = [dataset.images[row].group for row in rows]
    return len(grouped_folds(dataset.labels[rows], groups, most))


def _listed(labels: list[str], most: int = 5) -> str:
    shown = ", ".join(repr(label) for label in labels[:most])
    return shown if len(labels) <= most else f"{shown} and {len(labels) - most} more classes"
