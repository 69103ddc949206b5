"""t-SNE map of the embeddings: fit, and transform of new embeddings.

Method: van der Maaten & Hinton 2008, in openTSNE's implementation (Poličar et al. 2024).
"""

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

import faiss
import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Points, Rows
from embeddings.index import VectorIndex

if TYPE_CHECKING:
    from openTSNE import TSNEEmbedding

MOST_FITTED = 10_000
"""Number of embeddings to which a larger map is fitted; the others are placed among them."""

_FIT_PERPLEXITY = 30.0

_REFIT_STEPS = 50
"""Gradient steps from known places; more move known images farther for little gain."""

_LEAST_KNOWN = 0.5
"""Share of images with known places below which the map is fitted again."""

_TRANSFORM_PERPLEXITY = 5.0
_STEPS = 100
_LEARNING_RATE = 0.1
_EXAGGERATION = 1.5
_MOMENTUM = 0.8
_LARGEST_GRADIENT = 0.25
_BISECTIONS = 50

_PLACED_AT_ONCE = 16_384


def fit_map(
    embeddings: Floats,
    seed: int = 0,
    threads: int = -1,
    known: Points | None = None,
    most_fitted: int = MOST_FITTED,
) -> Points:
    """Fit a map of shape (n, 2) to embeddings of shape (n, dimension).

    Fewer than four embeddings are placed in a row, because t-SNE needs more neighbours. Of more
    than `most_fitted`, a sample is fitted and the others are placed among it; the sample depends on
    the embeddings and `seed` only, so it changes little as a collection grows. `known` has shape
    (n, 2): places on a previous map, NaN for new embeddings. The map is fitted from them and moves
    them little; it stays unchanged without new embeddings.
    """
    count = len(embeddings)
    if count < 4:
        return np.column_stack([np.arange(count), np.zeros(count)]).astype(np.float64)
    start = np.full((count, 2), np.nan) if known is None else known.copy()
    new: Mask = np.asarray(np.isnan(start).any(axis=1))
    if not new.any():
        return start
    if new.mean() > 1 - _LEAST_KNOWN:
        start[:], new[:] = np.nan, True
    fitted = _sample(embeddings, seed, most_fitted)
    points = start
    points[fitted] = _fit(embeddings[fitted], start[fitted], new[fitted], seed, threads)
    rest = np.setdiff1d(np.arange(count), fitted)
    if len(rest):
        points[rest] = _place(
            points[fitted], embeddings[fitted], embeddings[rest], start[rest], threads
        )
    return points


def _sample(embeddings: Floats, seed: int, size: int) -> Rows:
    """Return rows, ascending: those with the smallest hash values of their embeddings."""
    count, dimension = embeddings.shape
    if count <= size:
        return np.arange(count)
    factors = np.random.default_rng(seed).integers(2**63, size=dimension, dtype=np.uint64) * 2 + 1
    bits = np.ascontiguousarray(embeddings, np.float32).view(np.uint32)
    values = [
        (bits[block].astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
        for block in _blocks(count)
    ]
    return np.sort(np.argsort(np.concatenate(values), kind="stable")[:size])


def _fit(embeddings: Floats, start: Points, new: Mask, seed: int, threads: int) -> Points:
    """Fit a map, from the beginning if all embeddings are new, otherwise from the known places."""
    # openTSNE imports scikit-learn, which the service does not need unless it fits a map.
    from openTSNE import TSNE, TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    perplexity = min(_FIT_PERPLEXITY, (len(embeddings) - 1) / 3)
    doubles = np.asarray(embeddings, dtype=np.float64)
    if new.all():
        tsne = TSNE(
            perplexity=perplexity,
            neighbors="exact",
            negative_gradient_method="bh",
            random_state=seed,
            n_jobs=threads,
        )
        return np.asarray(tsne.fit(doubles), dtype=np.float64)
    start[new] = _medians(start[~new], embeddings[~new], embeddings[new])
    affinities = PerplexityBasedNN(
        doubles, perplexity, method="exact", n_jobs=threads, random_state=seed
    )
    fitted = TSNEEmbedding(
        start, affinities, negative_gradient_method="bh", n_jobs=threads, random_state=seed
    )
    fitted.optimize(_REFIT_STEPS, exaggeration=1, momentum=_MOMENTUM, inplace=True)
    return np.asarray(fitted, dtype=np.float64)


def _place(
    points: Points, fitted: Floats, embeddings: Floats, start: Points, threads: int
) -> Points:
    """Return places for embeddings of shape (m, dimension) on the map `points`, shape (n, 2).

    The method is that of `transform`, but the repulsion is interpolated on a grid. `start` has
    shape (m, 2); NaN selects the median of the nearest neighbours.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PrecomputedAffinities
    from scipy.sparse import csr_matrix

    count = len(points)
    unused = PrecomputedAffinities(csr_matrix((count, count)), normalize=False)
    centre = (points.max(axis=0) + points.min(axis=0)) / 2
    # openTSNE moves the centre of the map to the origin.
    map_ = TSNEEmbedding(points.copy(), unused, negative_gradient_method="fft", n_jobs=threads)
    map_.prepare_interpolation_grid()
    placed = start - centre
    for block in _blocks(len(embeddings)):
        placed[block] = _place_block(map_, fitted, embeddings[block], placed[block], threads)
    return np.asarray(placed + centre)


def _place_block(
    map_: "TSNEEmbedding", fitted: Floats, embeddings: Floats, start: Points, threads: int
) -> Points:
    from openTSNE import PartialTSNEEmbedding
    from openTSNE.affinity import joint_probabilities_nn

    perplexity = min(_TRANSFORM_PERPLEXITY, len(fitted) / 3)
    squared, rows = faiss.knn(embeddings, fitted, max(1, int(3 * perplexity)))
    new: Mask = np.asarray(np.isnan(start).any(axis=1))
    start[new] = np.median(np.asarray(map_)[rows[new]], axis=1)
    distances = np.sqrt(np.maximum(squared, 0).astype(np.float64))
    affinities = joint_probabilities_nn(
        rows, distances, [perplexity], symmetrize=False, normalization="point-wise",
        n_reference_samples=len(fitted), n_jobs=threads,
    )  # fmt: skip
    part = PartialTSNEEmbedding(
        start, map_, P=affinities, negative_gradient_method="fft", n_jobs=threads
    )
    part.optimize(
        _STEPS, learning_rate=_LEARNING_RATE, exaggeration=_EXAGGERATION, momentum=_MOMENTUM,
        max_grad_norm=_LARGEST_GRADIENT, inplace=True,
    )  # fmt: skip
    return np.asarray(part, dtype=np.float64)


def _medians(points: Points, known: Floats, embeddings: Floats) -> Points:
    """Return the median place of the nearest known embeddings of each embedding."""
    _, rows = faiss.knn(embeddings, known, min(int(3 * _TRANSFORM_PERPLEXITY), len(known)))
    return np.asarray(np.median(points[rows], axis=1))


def _blocks(count: int) -> Iterator[slice]:
    for number in range(ceil(count / _PLACED_AT_ONCE)):
        yield slice(number * _PLACED_AT_ONCE, (number + 1) * _PLACED_AT_ONCE)


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
