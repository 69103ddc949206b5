"""Order in which a person looks at images: doubtful labels, or images worth a label."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Rows
from embeddings.review.reasons import Reasons

Goal = Literal["review", "label"]

Read = Callable[[Rows], Floats]
"""Function that returns the embeddings of rows, shape (rows, dimension)."""

MOST_DIVERSE = 1000
"""Most images at the beginning of a queue that are chosen to differ from each other."""

_CANDIDATES = 2 * MOST_DIVERSE
_ROWS_AT_ONCE = 4096
_TINY = 1e-12


@dataclass(frozen=True)
class Queue:
    """Images in the order in which to look at them."""

    rows: Rows
    """Shape (q,)."""
    scores: Doubles
    """Shape (q,): score of each image on its own."""


@dataclass(frozen=True)
class Information:
    """Information of the labels of images for a model: entropy and density.

    Method: information density (Settles and Craven 2008).
    """

    rows: Rows
    """Rows of the images, shape (u,)."""
    entropies: Doubles
    """Shape (u,): entropy of the predicted probabilities as a share of the largest one, 0-1."""
    densities: Doubles
    """Shape (u,): mean cosine similarity to all of these images, 0-1."""

    @property
    def scores(self) -> Doubles:
        """Shape (u,): product of entropy and density."""
        return np.asarray(self.entropies * self.densities, np.float64)


def review_queue(reasons: Reasons, rows: Rows) -> Queue:
    """Return the images with a reason to look at their labels, the highest score first.

    `rows` are the images that may be in the queue, in the order of equal scores.
    """
    scores = reasons.scores[rows]
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0]
    return Queue(rows[order], scores[order])


def measure_information(rows: Rows, probabilities: Floats, read: Read) -> Information:
    """Return the information of images with these probabilities, shape (u, classes)."""
    total = sum((each.sum(axis=0, dtype=np.float64) for each in _directions(rows, read)), 0.0)
    mean = np.asarray(total / max(1, len(rows)), np.float32)
    products = [each @ mean for each in _directions(rows, read)]
    densities = np.concatenate([np.empty(0), *products]).clip(0, 1)
    return Information(rows, _entropies(probabilities), densities)


def label_queue(information: Information, among: Mask, read: Read) -> Queue:
    """Return the most informative images first, and different from each other.

    `among` is a mask of the rows that may be in the queue. At each of the first places is the image
    with the highest product of its score and its cosine distance to the nearest image before it;
    the others follow by score. The order of equal images is that of `information`.
    """
    eligible = np.flatnonzero(among[information.rows])
    rows, scores = information.rows[eligible], information.scores[eligible]
    order = np.argsort(-scores, kind="stable")
    first = order[:_CANDIDATES]
    chosen = first[_diverse(scores[first], _unit(read(rows[first])))]
    order = np.concatenate([chosen, order[~np.isin(order, chosen)]])
    return Queue(rows[order], scores[order])


def _diverse(scores: Doubles, directions: Floats) -> Rows:
    """Return positions of candidates in the order of choice, at most `MOST_DIVERSE`."""
    similarities = directions @ directions.T
    farthest, left = np.ones(len(scores)), np.ones(len(scores), np.bool_)
    chosen = np.empty(min(MOST_DIVERSE, len(scores)), np.int64)
    for place in range(len(chosen)):
        # The first of equal candidates.
        chosen[place] = best = int(np.argmax(np.where(left, scores * farthest, -1.0)))
        left[best] = False
        farthest = np.minimum(farthest, (1 - similarities[best]).clip(0, 1))
    return chosen


def _directions(rows: Rows, read: Read) -> Iterator[Floats]:
    """Yield the embeddings of rows in blocks, scaled to unit length."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield _unit(read(rows[start : start + _ROWS_AT_ONCE]))


def _unit(embeddings: Floats) -> Floats:
    """Return embeddings of shape (n, dimension) scaled to unit length; zeros stay zeros."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings / np.maximum(lengths, _TINY), np.float32)


def _entropies(probabilities: Floats) -> Doubles:
    classes = probabilities.shape[1]
    shares = probabilities.astype(np.float64).clip(_TINY, 1)
    entropies = -(shares * np.log(shares)).sum(axis=1)
    return np.asarray((entropies / np.log(max(2, classes))).clip(0, 1), np.float64)
