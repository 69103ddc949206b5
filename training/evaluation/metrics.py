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
    """Figures of one network on one set of photographs; shares in 0-1."""

    accuracy: float
    macro_f1: float
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassReport, ...]


def evaluate(probabilities: Floats, labels: Labels, classes: tuple[str, ...]) -> Evaluation:
    """Compare probabilities of shape (n, classes) with labels of shape (n,)."""
    predicted = probabilities.argmax(axis=1)
    numbers = range(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=numbers, zero_division=0.0
    )
    matrix = confusion_matrix(labels, predicted, labels=numbers)
    return Evaluation(
        accuracy=share_correct(probabilities, labels),
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
    """Mean of minus the logarithm of the true class' probability."""
    chances = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(chances, _TINY)).mean())


def share_correct(probabilities: Floats, labels: Labels) -> float:
    """Share of photographs, 0-1, whose most probable class is the true one."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


_NEAREST = 3


def precision_at_3(embeddings: Floats, data: Dataset) -> float:
    """Of the three training photographs nearest to a validation photograph, the share of its class.

    `embeddings` has shape (n, dimension), a row for each photograph. Nobody's photographs stand on
    both sides, so this is what a newcomer's photograph would meet.
    """
    train = np.concatenate([data.parts.fit, data.parts.tuning])
    index = NearestNeighbors(n_neighbors=min(_NEAREST, len(train))).fit(embeddings[train])
    found = index.kneighbors(embeddings[data.parts.validation], return_distance=False)
    alike = data.labels[train][found] == data.labels[data.parts.validation][:, None]
    return float(alike.mean())
