"""Metrics of a model on the validation set."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support
from sklearn.neighbors import NearestNeighbors

from embeddings.arrays import Floats, Labels
from embeddings.release.reports import ClassReport
from training.data.dataset import Dataset

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


_NEAREST = 3


def precision_at_3(embeddings: Floats, data: Dataset) -> float:
    """Return the share of correct labels among the three nearest training images, 0-1.

    The mean over the validation images; `embeddings` has shape (n, dimension), a row for each
    image. In the grouped split, no photographer has images in both sets.
    """
    train = np.concatenate([data.indices.fit, data.indices.tuning])
    index = NearestNeighbors(n_neighbors=min(_NEAREST, len(train))).fit(embeddings[train])
    neighbors = index.kneighbors(embeddings[data.indices.validation], return_distance=False)
    alike = data.labels[train][neighbors] == data.labels[data.indices.validation][:, None]
    return float(alike.mean())
