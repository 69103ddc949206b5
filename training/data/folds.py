"""Folds that keep photographs of one group together, as many as the groups allow."""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from embeddings.arrays import Labels, Rows

_LEAST_SHARE = 1 / 3

Fold = tuple[Rows, Rows]
"""Row numbers of the photographs to learn from and of those to predict."""


def grouped_folds(
    labels: Labels, groups: Sequence[int], most: int, seed: int = 0
) -> tuple[Fold, ...]:
    """Return up to `most` stratified folds; no group stands on both sides of one.

    `labels` has shape (n,). A photograph is predicted only by a fold that learns from at least a
    third of its class: predictions learned from less say little, and of a class with a single group
    there are none. Returns an empty tuple if no photograph can be predicted.
    """
    labels = np.asarray(labels)
    sizes = np.bincount(labels)
    number = min(most, len(set(groups)), max(sizes, default=0))
    if number < 2:
        return ()
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Of a class with fewer photographs than folds, some folds predict none.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        divided = list(folds.split(labels, labels, groups))
    found = []
    for learned, asked in divided:
        known = np.bincount(labels[learned], minlength=len(sizes))
        enough = known >= np.maximum(sizes * _LEAST_SHARE, 1)
        predictable = asked[enough[labels[asked]]]
        if np.count_nonzero(known) > 1 and len(predictable):
            found.append((learned, predictable))
    return tuple(found)
