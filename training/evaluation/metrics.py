"""Metrics of a model on the validation set."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from embeddings.arrays import Floats, Labels
from embeddings.release.reports import ClassReport

_TINY = 1e-12


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a model on a set of images, 0-1."""

    accuracy: float
    macro_f1: float
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassReport, ...]


def evaluate(probabilities: Floats, labels: Labels, classes: tuple[str, ...]) -> Evaluation:
    """Compute the metrics of probabilities of shape (n, classes) for labels of shape (n,)."""
    predicted = probabilities.argmax(axis=1)
    numbers = range(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=numbers, zero_division=0.0
    )
    matrix = confusion_matrix(labels, predicted, labels=numbers)
    return Evaluation(
        accuracy=accuracy(probabilities, labels),
        macro_f1=float(f1_score(labels, predicted, average="macro", zero_division=0.0)),
        confusion=tuple(tuple(int(count) for count in row) for row in matrix),
        per_class=tuple(
            ClassReport(
                label=label,
                precision=float(precision[number]),
                recall=float(recall[number]),
                f1=float(f1[number]),
                support=int(support[number]),
            )
            for number, label in enumerate(classes)
        ),
    )


def cross_entropy(probabilities: Floats, labels: Labels) -> float:
    """Return the mean cross-entropy in nats."""
    chances = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(chances, _TINY)).mean())


def accuracy(probabilities: Floats, labels: Labels) -> float:
    """Return the accuracy, 0-1."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))
