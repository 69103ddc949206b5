"""Wrong labels as people make them: a class is replaced by one that it is confused with."""

import numpy as np

from embeddings.arrays import Doubles, Floats, Labels, Rows
from embeddings.release.label_loop import Noise

_LEAST = 1e-3
"""Smallest probability of another class, so that no class is excluded."""


def with_wrong_labels(
    labels: Labels,
    rows: Rows,
    probabilities: Floats,
    number: int,
    noise: Noise,
    rng: np.random.Generator,
) -> tuple[Labels, Rows]:
    """Return a copy of the labels with wrong ones, and the rows that have them, ascending.

    `number` of the given rows get the label of another class. `probabilities` of shape
    (n, classes) are out-of-fold predictions of all images; `noise` is that of `SimulatedReview`.
    """
    others = _probabilities_of_others(labels, probabilities, noise)[rows]
    chances = None
    if noise == "image":
        doubts = 1 - probabilities[rows, labels[rows]].astype(np.float64) + _LEAST
        chances = doubts / doubts.sum()
    chosen = np.sort(rng.choice(len(rows), number, replace=False, p=chances))
    wrong = labels.copy()
    for position in chosen.tolist():
        wrong[rows[position]] = rng.choice(others.shape[1], p=others[position])
    return wrong, rows[chosen]


def _probabilities_of_others(labels: Labels, probabilities: Floats, noise: Noise) -> Doubles:
    """Return the distribution of the wrong label of each image: shape (n, classes)."""
    shares = probabilities.astype(np.float64) + _LEAST
    if noise == "class":
        confusion = np.zeros((shares.shape[1], shares.shape[1]))
        np.add.at(confusion, labels, shares)
        shares = confusion[labels]
    shares[np.arange(len(labels)), labels] = 0
    distribution: Doubles = shares / shares.sum(axis=1, keepdims=True)
    return distribution
