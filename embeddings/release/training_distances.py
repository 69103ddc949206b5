"""Distances of all images to their tenth nearest training image, the basis of typicality.

Method: Sun et al. 2022.
"""

from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Rows
from embeddings.index.blocks import BlockSearch, NearestRows
from embeddings.index.clusters import search_approximately
from embeddings.index.knn_graph import MOST_EXACT
from embeddings.recognition import NEIGHBOR

_MOST_SEARCHED_AGAIN = 0.02
"""Share of a larger collection above which a new approximate search is faster than an update."""


@dataclass(frozen=True)
class TrainingDistances:
    """Distances of m images to their tenth nearest training image, itself left out."""

    distances: Doubles
    """Shape (m,)."""
    training: Mask
    """Shape (m,): true for the training images."""
    embeddings: Floats
    """Shape (m, dimension)."""


def distances_to_training(
    search: BlockSearch, training: Mask, most_exact: int = MOST_EXACT
) -> Doubles:
    """Return the distance of every row to its tenth nearest training row, itself left out.

    If there are fewer, the distance to the farthest; infinity if there are none. Above `most_exact`
    rows the search is approximate.
    """
    base = np.flatnonzero(training)
    if len(search) <= most_exact or not len(base):
        return _last(search.nearest(search.all_rows, base, NEIGHBOR))
    found, _ = search_approximately(search, base, NEIGHBOR)
    return _last(found)


def update_distances_to_training(
    search: BlockSearch,
    training: Mask,
    previous: TrainingDistances,
    origin: Rows,
    most_exact: int = MOST_EXACT,
) -> Doubles:
    """Return the result of `distances_to_training`, given that of a previous state of the rows.

    `origin` has shape (n,): the previous number of each row, -1 if it is new or its embedding
    changed. Only these rows are searched, and those within whose distance a training row was added
    or removed.
    """
    if previous.training.sum() <= NEIGHBOR:
        return distances_to_training(search, training, most_exact)
    kept = np.flatnonzero(origin >= 0)
    was_training = np.zeros(len(search), np.bool_)
    was_training[kept] = previous.training[origin[kept]]
    removed = previous.training.copy()
    removed[origin[kept]] &= ~training[kept]
    affected = _affected(
        search, kept, previous.distances[origin[kept]], np.flatnonzero(training & ~was_training),
        previous.embeddings[removed],
    )  # fmt: skip
    again = np.concatenate([np.flatnonzero(origin < 0), kept[affected]])
    if len(search) > most_exact and len(again) > _MOST_SEARCHED_AGAIN * len(search):
        return distances_to_training(search, training, most_exact)
    distances = np.empty(len(search))
    distances[kept] = previous.distances[origin[kept]]
    distances[again] = _last(search.nearest(again, np.flatnonzero(training), NEIGHBOR))
    return distances


def _affected(
    search: BlockSearch, rows: Rows, limits: Doubles, added: Rows, removed: Floats
) -> Mask:
    """Return True for each row with an added or removed embedding within its limit."""
    if not len(added) and not len(removed):
        return np.zeros(len(rows), np.bool_)
    ids = [""] * (len(search) + len(removed))
    both = BlockSearch(ids, np.concatenate([search.embeddings, removed]))
    changed = np.concatenate([added, np.arange(len(search), len(ids))])
    return np.asarray(both.nearest(rows, changed, 1).distances[:, 0] <= limits)


def _last(found: NearestRows) -> Doubles:
    """Return the distance of the last row found of each query; infinity if there is none."""
    count = np.isfinite(found.distances).sum(axis=1)
    last = np.take_along_axis(found.distances, np.maximum(count - 1, 0)[:, np.newaxis], axis=1)
    return np.where(count > 0, last[:, 0], np.inf)
