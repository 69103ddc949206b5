"""t-SNE map of the embeddings: fit, and transform of new embeddings.

Method: van der Maaten & Hinton 2008, in openTSNE's implementation (Poličar et al. 2024).
"""

import numpy as np

from embeddings.arrays import Doubles, Floats, Points, Rows
from embeddings.index import VectorIndex

_FIT_PERPLEXITY = 30.0

_TRANSFORM_PERPLEXITY = 5.0
_STEPS = 100
_LEARNING_RATE = 0.1
_EXAGGERATION = 1.5
_MOMENTUM = 0.8
_LARGEST_GRADIENT = 0.25
_BISECTIONS = 50


def fit_map(embeddings: Floats, seed: int = 0, threads: int = -1) -> Points:
    """Fit a map of shape (n, 2) to embeddings of shape (n, dimension).

    Fewer than four embeddings are placed in a row, because t-SNE needs more neighbours.
    """
    # openTSNE imports scikit-learn, which the service does not need unless it fits a map.
    from openTSNE import TSNE

    count = len(embeddings)
    if count < 4:
        return np.column_stack([np.arange(count), np.zeros(count)]).astype(np.float64)
    tsne = TSNE(
        perplexity=min(_FIT_PERPLEXITY, (count - 1) / 3),
        neighbors="exact",
        negative_gradient_method="bh",
        random_state=seed,
        n_jobs=threads,
    )
    return np.asarray(tsne.fit(np.asarray(embeddings, dtype=np.float64)), dtype=np.float64)


def transform(index: VectorIndex, points: Points, embedding: Floats) -> tuple[float, float]:
    """Return the coordinates of a new embedding of shape (dimension,) on the map `points`.

    `points` has shape (n, 2). The new point starts at the median of its nearest neighbours and
    moves by gradient descent, attracted by them and repelled by all points; these stay fixed.
    """
    perplexity = min(_TRANSFORM_PERPLEXITY, len(index) / 3)
    neighbors = index.search(embedding, k=max(1, int(3 * perplexity)))
    point = np.median(points[neighbors.rows], axis=0)
    if len(index) >= 4:
        point = _optimise(
            point, points, neighbors.rows, _affinities(neighbors.distances, perplexity)
        )
    return float(point[0]), float(point[1])


def _affinities(distances: Doubles, perplexity: float) -> Doubles:
    """Return probabilities of shape (k,) that decrease with distance and have this perplexity.

    If more neighbours than that are equally near, the probability is shared equally among them.
    """
    # Only differences matter; subtracting the minimum avoids underflow.
    squared = distances**2 - distances.min() ** 2
    scale = float(squared.mean()) or 1.0
    low, high = 0.0, np.inf
    precision = 1.0 / scale
    for _ in range(_BISECTIONS):
        weights = np.exp(-squared * precision)
        affinities = weights / weights.sum()
        entropy = -float(np.sum(affinities * np.log(np.maximum(affinities, np.finfo(float).tiny))))
        if entropy > np.log(perplexity):
            low, precision = precision, precision * 2 if high == np.inf else (precision + high) / 2
        else:
            high, precision = precision, (low + precision) / 2
    return np.asarray(affinities)


def _optimise(point: Doubles, points: Points, neighbors: Rows, affinities: Doubles) -> Doubles:
    """Minimise by gradient descent with momentum and gains, as in t-SNE."""
    update, gains = np.zeros(2), np.ones(2)
    for _ in range(_STEPS):
        gradient = _gradient(point, points, neighbors, affinities)
        gradient *= min(1.0, _LARGEST_GRADIENT / (float(np.linalg.norm(gradient)) + 1e-6))
        same = np.sign(update) == np.sign(gradient)
        gains = np.where(same, 0.8 * gains + 0.01, gains + 0.2)
        update = _MOMENTUM * update - _LEARNING_RATE * gains * gradient
        point = point + update
    return point


def _gradient(point: Doubles, points: Points, neighbors: Rows, affinities: Doubles) -> Doubles:
    away = point - points
    weights = 1.0 / (1.0 + np.einsum("ij,ij->i", away, away))
    attraction = _EXAGGERATION * (affinities * weights[neighbors]) @ away[neighbors]
    repulsion = (weights**2 @ away) / weights.sum()
    return np.asarray(attraction - repulsion)
