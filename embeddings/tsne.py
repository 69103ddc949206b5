"""t-SNE map of the embeddings.

Method: van der Maaten & Hinton 2008, in openTSNE's implementation (Poličar et al. 2024).
"""

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

import faiss
import numpy as np

from embeddings.arrays import Floats, Mask, Points, Rows
from embeddings.fixed_map import (
    EXAGGERATION,
    LARGEST_GRADIENT,
    LEARNING_RATE,
    MOMENTUM,
    PERPLEXITY,
    STEPS,
)
from embeddings.index.faiss_threads import respect_thread_limit

if TYPE_CHECKING:
    from openTSNE import TSNEEmbedding

MOST_FITTED = 10_000
"""Number of embeddings to which a larger map is fitted; the others are placed among them."""

_FIT_PERPLEXITY = 30.0

_REFIT_STEPS = 50
"""Gradient steps from known places; more move known images farther for little gain."""

_LEAST_KNOWN = 0.5
"""Share of images with known places below which the map is fitted again."""

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
    fitted.optimize(_REFIT_STEPS, exaggeration=1, momentum=MOMENTUM, inplace=True)
    return np.asarray(fitted, dtype=np.float64)


def _place(
    points: Points, fitted: Floats, embeddings: Floats, start: Points, threads: int
) -> Points:
    """Return places for embeddings of shape (m, dimension) on the map `points`, shape (n, 2).

    The method is that of `FixedMap`. `start` has shape (m, 2); NaN selects the median of the
    nearest neighbours.
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

    perplexity = min(PERPLEXITY, len(fitted) / 3)
    respect_thread_limit()
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
        STEPS, learning_rate=LEARNING_RATE, exaggeration=EXAGGERATION, momentum=MOMENTUM,
        max_grad_norm=LARGEST_GRADIENT, inplace=True,
    )  # fmt: skip
    return np.asarray(part, dtype=np.float64)


def _medians(points: Points, known: Floats, embeddings: Floats) -> Points:
    """Return the median place of the nearest known embeddings of each embedding."""
    respect_thread_limit()
    _, rows = faiss.knn(embeddings, known, min(int(3 * PERPLEXITY), len(known)))
    return np.asarray(np.median(points[rows], axis=1))


def _blocks(count: int) -> Iterator[slice]:
    for number in range(ceil(count / _PLACED_AT_ONCE)):
        yield slice(number * _PLACED_AT_ONCE, (number + 1) * _PLACED_AT_ONCE)
