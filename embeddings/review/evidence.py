"""Evidence about the labels of images, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from embeddings.arrays import Doubles, Floats, Labels, Mask, Rows

NO_CLASS = -1
"""Number of the class of an image without a label."""


@dataclass(frozen=True)
class Suspicions:
    """Predictions of likely label errors by models that did not learn from these images."""

    rows: Rows
    """Rows of the images, shape (s,)."""
    suggested: Labels
    """More probable classes, shape (s,)."""
    label_probabilities: Doubles
    """Probabilities of the labels, shape (s,)."""
    suggested_probabilities: Doubles
    """Probabilities of the suggested classes, shape (s,)."""

    @classmethod
    def none(cls) -> "Suspicions":
        """Return the suspicions about no image."""
        rows, numbers = np.empty(0, np.int64), np.empty(0)
        return cls(rows, rows, numbers, numbers)


@dataclass(frozen=True)
class Evidence:
    """Facts about n images that support or contradict their labels."""

    classes: Sequence[str]
    """Classes of the model, and after them other labels."""
    labels: Labels
    """Shape (n,): class of each image, `NO_CLASS` without a label."""
    probabilities: Floats
    """Shape (n, classes of the model): probabilities by the served model."""
    thresholds: Floats
    """Shape (classes of the model,): least probability of each class in a prediction set."""
    typicalities: Doubles
    """Shape (n,): typicality of each image, 0-1."""
    neighbors: Rows
    """Shape (n, 3): nearest images; -1 if there are fewer."""
    suspicions: Suspicions

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def predicted(self) -> Labels:
        """Shape (n,): most probable class of each image."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @cached_property
    def confidences(self) -> Doubles:
        """Shape (n,): largest probability of each image."""
        return np.asarray(self.probabilities.max(axis=1), np.float64)

    @cached_property
    def label_probabilities(self) -> Doubles:
        """Shape (n,): probability of each label by the served model; 0 for one it lacks."""
        known = (self.labels >= 0) & (self.labels < self.probabilities.shape[1])
        rows = np.flatnonzero(known)
        found = np.zeros(len(self))
        found[rows] = self.probabilities[rows, self.labels[rows]]
        return found

    @cached_property
    def set_sizes(self) -> Rows:
        """Shape (n,): number of classes in each prediction set."""
        return np.asarray((self.probabilities >= self.thresholds).sum(axis=1), np.int64)

    @cached_property
    def neighbor_labels(self) -> Labels:
        """Shape (n, 3): classes of the nearest images; `NO_CLASS` if there are fewer."""
        # The row -1 of an incomplete list is the last one.
        return np.asarray(np.append(self.labels, NO_CLASS)[self.neighbors], np.int64)

    @cached_property
    def labelled_neighbors(self) -> Rows:
        """Shape (n,): number of nearest images with a label."""
        return np.asarray((self.neighbor_labels != NO_CLASS).sum(axis=1), np.int64)

    @cached_property
    def other_neighbors(self) -> Rows:
        """Shape (n,): number of nearest images with another label."""
        others = self.neighbor_labels
        other = (others != NO_CLASS) & (others != self.labels[:, np.newaxis])
        return np.asarray(other.sum(axis=1), np.int64)

    @cached_property
    def labelled(self) -> Mask:
        """Shape (n,): true for the images with a label."""
        return np.asarray(self.labels != NO_CLASS)
