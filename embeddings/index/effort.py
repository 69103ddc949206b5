"""Effort of an approximate index, chosen at publishing by its measured recall."""

from collections.abc import Callable, Iterable

import numpy as np

from embeddings.arrays import Floats
from embeddings.index import VectorIndex
from embeddings.index.flat import FlatIndex

AIMED_RECALL = 0.993
"""Recall on the sample at which an effort is accepted."""

_NEAREST = 3
_SAMPLE = 200
_SEED = 0


def choose_effort(
    embeddings: Floats, efforts: Iterable[int], index_with: Callable[[int], VectorIndex]
) -> tuple[int, float]:
    """Return the first effort with enough recall, or the last one, and its recall, 0-1.

    The queries are a sample of the rows, compared with exact search for their three nearest other
    rows. A row as near as the third one counts as found. `efforts` has at least one effort.
    """
    count = len(embeddings)
    rows = np.random.default_rng(_SEED).choice(count, min(_SAMPLE, count), replace=False).tolist()
    flat = FlatIndex(embeddings)
    farthest = {}
    for row in rows:
        found = flat.search(embeddings[row], _NEAREST, exclude=row)
        if len(found.rows):
            farthest[row] = found.distances[-1]
    effort, recall = 0, 0.0
    for effort in efforts:
        index = index_with(effort)
        recall = _recall(embeddings, index, farthest)
        index.close()
        if recall >= AIMED_RECALL:
            break
    return effort, recall


def _recall(embeddings: Floats, index: VectorIndex, farthest: dict[int, float]) -> float:
    found = [
        (index.search(embeddings[row], _NEAREST, exclude=row).distances <= distance).mean()
        for row, distance in farthest.items()
    ]
    return float(np.mean(found)) if found else 1.0
