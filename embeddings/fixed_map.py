"""Places of new embeddings on a finished t-SNE map.

A new point starts at the median of its nearest neighbours and moves by gradient descent, attracted
by them and repelled by all points of the map; these stay fixed. Method: Poličar et al. 2024. The
repulsion is a function of the position alone: minus half the gradient of the logarithm of
Z(p) = sum of 1 / (1 + |p - point|²). This logarithm is computed once on a grid, by a convolution
(Linderman et al. 2019).
"""

from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Points, Rows

PERPLEXITY = 5.0
STEPS = 100
LEARNING_RATE = 0.1
EXAGGERATION = 1.5
MOMENTUM = 0.8
LARGEST_GRADIENT = 0.25

_BISECTIONS = 50

_SPACING = 0.25
"""Smallest distance of the nodes of the grid; points repel each other within about 1."""
_MOST_NODES = 1500
"""Largest number of nodes on one side of the grid."""
_MARGIN = 8
"""Nodes around the map."""

_CUBIC = np.array([[0, 6, 0, 0], [-2, -3, 6, -1], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6
_SLOPES = np.vstack([_CUBIC[1:] * [[1], [2], [3]], np.zeros(4)])
_WEIGHTS = np.stack([_CUBIC, _SLOPES], axis=1)
"""Coefficients of 1, t, t² and t³ in the weights of four nodes, and in their derivatives."""


@dataclass(frozen=True)
class FixedMap:
    """Finished map on which embeddings are placed; safe to use from many threads."""

    points: Points
    _origin: Doubles
    """Shape (2,): place of the first node."""
    _spacing: float
    _field: Doubles
    """Logarithm of Z on the nodes."""

    @classmethod
    def of(cls, points: Points) -> "FixedMap":
        """Prepare a map of shape (n, 2)."""
        low, high = points.min(axis=0), points.max(axis=0)
        spacing = max(_SPACING, float((high - low).max()) / _MOST_NODES)
        origin = low - _MARGIN * spacing
        rows, columns = (int(each) + 2 * _MARGIN for each in np.ceil((high - low) / spacing))
        weights = _spread((points - origin) / spacing, rows, columns)
        return cls(points, origin, spacing, np.log(_convolve(weights, spacing)))

    @property
    def neighbors(self) -> int:
        """Number of nearest neighbours that attract a new point."""
        return max(1, int(3 * self._perplexity))

    def place(self, rows: Rows, distances: Doubles) -> Points:
        """Return the places of m embeddings, shape (m, 2).

        `rows` and `distances` have shape (m, k): their nearest rows of the map. The place of an
        embedding does not depend on the others.
        """
        near = self.points[rows]
        start = np.median(near, axis=1)
        if len(self.points) < 4:
            return np.asarray(start)
        shares = EXAGGERATION * affinities(distances, self._perplexity)
        near = np.ascontiguousarray(near.transpose(0, 2, 1))
        place, update, gains = start, np.zeros_like(start), np.ones_like(start)
        for _ in range(STEPS):
            away = place[:, :, np.newaxis] - near
            squared = away * away
            weights = shares / (1.0 + squared[:, 0] + squared[:, 1])
            gradient = 0.5 * self._slope(place) + (weights[:, np.newaxis] * away).sum(axis=2)
            norms = np.sqrt(gradient[:, :1] ** 2 + gradient[:, 1:] ** 2)
            gradient *= np.minimum(1.0, LARGEST_GRADIENT / (norms + 1e-6))
            same = np.sign(update) == np.sign(gradient)
            gains = np.where(same, 0.8 * gains + 0.01, gains + 0.2)
            update = MOMENTUM * update - LEARNING_RATE * gains * gradient
            place = place + update
        return np.asarray(place)

    @property
    def _perplexity(self) -> float:
        return min(PERPLEXITY, len(self.points) / 3)

    def _slope(self, places: Points) -> Points:
        """Return the gradient of the field at places of shape (m, 2)."""
        rows, columns = self._field.shape
        first, parts = _cells((places - self._origin) / self._spacing, rows, columns)
        weights = _cubic(parts)
        patches = self._field.ravel()[first[:, np.newaxis, np.newaxis] + _patch(columns)]
        along_y = (patches[:, np.newaxis] * weights[:, 1, :, np.newaxis]).sum(axis=3)
        # The derivative along one axis goes with the values along the other.
        return np.asarray((along_y * weights[:, 0, ::-1]).sum(axis=2) / self._spacing)


def affinities(distances: Doubles, perplexity: float) -> Doubles:
    """Return probabilities of shape (m, k) that decrease with distance and have this perplexity.

    If more neighbours than that are equally near, the probability is shared equally among them.
    """
    # Only differences matter; subtracting the minimum avoids underflow.
    squared = distances**2 - distances.min(axis=1, keepdims=True) ** 2
    scale = squared.mean(axis=1, keepdims=True)
    low, high = np.zeros_like(scale), np.full_like(scale, np.inf)
    precision = 1.0 / np.where(scale > 0, scale, 1.0)
    for _ in range(_BISECTIONS):
        weights = np.exp(-squared * precision)
        found = weights / weights.sum(axis=1, keepdims=True)
        logarithms = np.log(np.maximum(found, np.finfo(float).tiny))
        wide = -(found * logarithms).sum(axis=1, keepdims=True) > np.log(perplexity)
        low, high = np.where(wide, precision, low), np.where(wide, high, precision)
        # Without an upper bound, the precision is doubled.
        precision = (low + np.where(np.isinf(high), 3 * low, high)) / 2
    return np.asarray(found)


def _cells(places: Points, rows: int, columns: int) -> tuple[Rows, Points]:
    """Return the first of the 4 x 4 nodes around each place, and the position in their middle.

    Nodes are numbered row by row. Places outside the grid are moved to its edge. The shapes are
    (m,) and (m, 2).
    """
    inside = np.minimum(np.maximum(places, 1.0), (rows - 2.001, columns - 2.001))
    cells = np.floor(inside)
    nodes = cells.astype(np.int64) - 1
    return nodes[:, 0] * columns + nodes[:, 1], inside - cells


def _patch(columns: int) -> Rows:
    """Return the numbers of 4 x 4 nodes of a grid, counted from the first of them."""
    return np.arange(4)[:, np.newaxis] * columns + np.arange(4)


def _cubic(t: Points) -> Doubles:
    """Return the weights of four nodes and their derivatives, shape (m, 2, 2, 4).

    `t` has shape (m, 2): positions between the middle two nodes of each axis.
    """
    constant, linear, square, cube = _WEIGHTS
    t = t[:, :, np.newaxis, np.newaxis]
    return np.asarray(((cube * t + square) * t + linear) * t + constant)


def _spread(places: Points, rows: int, columns: int) -> Doubles:
    """Return the weight of the points on each node; each point is spread over 16 nodes."""
    first, parts = _cells(places, rows, columns)
    weights = _cubic(parts)[:, :, 0]
    shares = weights[:, 0, :, np.newaxis] * weights[:, 1, np.newaxis, :]
    nodes = first[:, np.newaxis, np.newaxis] + _patch(columns)
    spread = np.bincount(nodes.ravel(), shares.ravel(), minlength=rows * columns)
    return np.asarray(spread.reshape(rows, columns))


def _convolve(weights: Doubles, spacing: float) -> Doubles:
    """Return the sum of weight / (1 + distance²) at each node."""
    rows, columns = weights.shape
    # Twice the size, so that opposite edges do not meet.
    shape = (2 * rows, 2 * columns)
    x, y = (np.minimum(np.arange(n), n - np.arange(n)) * spacing for n in shape)
    kernel = 1.0 / (1.0 + x[:, np.newaxis] ** 2 + y**2)
    product = np.fft.rfft2(weights, shape) * np.fft.rfft2(kernel)
    return np.asarray(np.fft.irfft2(product, shape)[:rows, :columns])
