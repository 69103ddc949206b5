"""Stratified cross-validation folds that keep the images of a group together."""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from embeddings.arrays import Labels, Rows

_LEAST_SHARE = 1 / 3

Fold = tuple[Rows, Rows]
"""Row numbers of the images to train on, and of those to predict."""


def grouped_folds(
    labels: Labels, groups: Sequence[int], most: int, seed: int = 0
) -> tuple[Fold, ...]:
    """Return up to `most` stratified folds; no group is on both sides of a fold.

    `labels` has shape (n,). An image is predicted only by a fold that trains on at least a third of
    its class, because predictions from less data are unreliable; a class with a single group gets
    no predictions. Returns an empty tuple if no image can be predicted.
    """
    labels = np.asarray(labels)
    sizes = np.bincount(labels)
    number = min(most, len(set(groups)), max(sizes, default=0))
    if number < 2:
        return ()
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # If a class has fewer images than folds, some folds predict none of it.
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
