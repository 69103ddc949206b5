"""The t-SNE map of the embeddings.

Method: van der Maaten & Hinton 2008, in openTSNE's implementation (Poličar et al. 2024).
"""

import numpy as np

from embeddings.arrays import Doubles, Floats, Points, Rows
from embeddings.index import VectorIndex

_MAP_PERPLEXITY = 30.0


def fit_map(embeddings: Floats, seed: int = 0, threads: int = -1) -> Points:
    """Fit a two-dimensional map of shape (n, 2) to embeddings of shape (n, dimension).

    Fewer than four photographs have no neighbourhoods to show and are laid in a row.
    """
    # openTSNE brings scikit-learn along; a service that fits no map need not load it.
    from openTSNE import TSNE

    count = len(embeddings)
    if count < 4:
        return np.column_stack([np.arange(count), np.zeros(count)]).astype(np.float64)
    tsne = TSNE(
        perplexity=min(_MAP_PERPLEXITY, (count - 1) / 3),
        neighbors="exact",
        negative_gradient_method="bh",
        random_state=seed,
        n_jobs=threads,
    )
    return np.asarray(tsne.fit(np.asarray(embeddings, dtype=np.float64)), dtype=np.float64)


_PERPLEXITY = 5.0
_STEPS = 100
_LEARNING_RATE = 0.1
_EXAGGERATION = 1.5
_MOMENTUM = 0.8
_STEEPEST = 0.25
_HALVINGS = 50


def transform(index: VectorIndex, points: Points, embedding: Floats) -> tuple[float, float]:
    """Place one embedding of shape (dimension,) on the map `points` of shape (n, 2).

    It starts amid its nearest photographs and is drawn to them, while all others push it away.
    """
    perplexity = min(_PERPLEXITY, len(index) / 3)
    near = index.search(embedding, k=max(1, int(3 * perplexity)))
    place = np.median(points[near.rows], axis=0)
    if len(index) >= 4:
        place = _settled(place, points, near.rows, _affinities(near.distances, perplexity))
    return float(place[0]), float(place[1])


def _affinities(distances: Doubles, perplexity: float) -> Doubles:
    """Probabilities of shape (k,) that fall with distance and have this perplexity.

    Where more neighbours than that are equally near, they share all of it.
    """
    # Only differences matter, and no exponent underflows this way.
    squared = distances**2 - distances.min() ** 2
    scale = float(squared.mean()) or 1.0
    low, high = 0.0, np.inf
    precision = 1.0 / scale
    for _ in range(_HALVINGS):
        weights = np.exp(-squared * precision)
        shares = weights / weights.sum()
        entropy = -float(np.sum(shares * np.log(np.maximum(shares, np.finfo(float).tiny))))
        if entropy > np.log(perplexity):
            low, precision = precision, precision * 2 if high == np.inf else (precision + high) / 2
        else:
            high, precision = precision, (low + precision) / 2
    return np.asarray(shares)


def _settled(place: Doubles, points: Points, near: Rows, shares: Doubles) -> Doubles:
    """Gradient descent with momentum and gains, as t-SNE itself uses it."""
    update, gains = np.zeros(2), np.ones(2)
    for _ in range(_STEPS):
        gradient = _gradient(place, points, near, shares)
        gradient *= min(1.0, _STEEPEST / (float(np.linalg.norm(gradient)) + 1e-6))
        same = np.sign(update) == np.sign(gradient)
        gains = np.where(same, 0.8 * gains + 0.01, gains + 0.2)
        update = _MOMENTUM * update - _LEARNING_RATE * gains * gradient
        place = place + update
    return place


def _gradient(place: Doubles, points: Points, near: Rows, shares: Doubles) -> Doubles:
    away = place - points
    weights = 1.0 / (1.0 + np.einsum("ij,ij->i", away, away))
    attraction = _EXAGGERATION * (shares * weights[near]) @ away[near]
    repulsion = (weights**2 @ away) / weights.sum()
    return np.asarray(attraction - repulsion)
