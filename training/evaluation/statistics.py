"""Confidence intervals of an accuracy, and tests for a difference between two models."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from embeddings.arrays import Doubles

Correct = npt.NDArray[np.bool_]
"""Shape (n,): True for each validation image that is classified correctly."""

SIGNIFICANCE = 0.05
_LEVEL = 0.95
_DRAWS = 10_000
_CROSSED_DRAWS = 2_000
_BLOCK = 500
"""Random draws that are held in memory at a time."""
_ROUNDING = 1e-9


def bootstrap_interval(
    correct: npt.NDArray[np.floating], groups: Sequence[int], seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % bootstrap percentile interval of an accuracy.

    `correct` of shape (n,) holds the share of seeds that classify each image correctly, 0-1. The
    interval is that of `bootstrap_intervals`.
    """
    return bootstrap_intervals(correct[:, np.newaxis], groups, seed)[0]


def bootstrap_intervals(
    values: npt.NDArray[np.floating], groups: Sequence[int], seed: int = 0
) -> list[tuple[float, float]]:
    """Return the 95 % bootstrap percentile intervals of the means of columns.

    `values` of shape (n, columns) holds measures of each image, 0-1. The images of a group are
    dependent, so groups are drawn with replacement (cluster bootstrap, Cameron et al. 2008); the
    draws are the same for each column. The interval of a single group is 0-1.
    """
    sums, sizes = _group_sums(values.T, groups)
    count = len(sizes)
    if count < 2:
        return [(0.0, 1.0)] * len(sums)
    rng = np.random.default_rng(seed)
    columns = np.stack([*sums, sizes], axis=1)
    totals = np.concatenate([_resample(rng, count) @ columns for _ in range(_DRAWS // _BLOCK)])
    means = totals[:, :-1] / totals[:, -1:]
    lows, highs = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    return list(zip(lows.tolist(), highs.tolist(), strict=True))


def crossed_interval(values: Doubles, groups: Sequence[int], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap percentile interval of the mean over repeats and images.

    `values` has shape (repeats, n). The images of a group are dependent, and so are all values of a
    repeat, so groups and repeats are drawn with replacement (pigeonhole bootstrap, Owen 2007). With
    a single group, only the repeats are drawn.
    """
    sums, sizes = _group_sums(values, groups)
    repeats, count = sums.shape
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(_CROSSED_DRAWS // _BLOCK):
        drawn = _resample(rng, count)
        totals = ((_resample(rng, repeats) @ sums) * drawn).sum(axis=1)
        means.append(totals / (repeats * (drawn @ sizes)))
    low, high = np.quantile(np.concatenate(means), [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def sign_flip_test(differences: Doubles, groups: Sequence[int], seed: int = 0) -> float:
    """Return the two-sided p-value of a paired permutation test (Fisher 1935).

    `differences` of shape (n,) holds the difference of two models for each image. Without an effect
    the sign of each group's sum is random; the images of a group keep one sign together.
    """
    sums = _group_sums(differences[np.newaxis], groups)[0][0]
    sums = sums[sums != 0]
    if not len(sums):
        return 1.0
    least = abs(sums.sum()) - _ROUNDING
    rng = np.random.default_rng(seed)
    extreme = 0
    for _ in range(_DRAWS // _BLOCK):
        signs = rng.integers(0, 2, (_BLOCK, len(sums))) * 2 - 1
        extreme += int(np.sum(np.abs(signs @ sums) >= least))
    return (1 + extreme) / (1 + _DRAWS)


def mcnemar(first: Correct, second: Correct) -> float:
    """Return the two-sided p-value of the exact McNemar test (McNemar 1947).

    Tests if two models have the same accuracy on the same images; only images that exactly one of
    them classifies correctly count.
    """
    only_first = int(np.sum(first & ~second))
    only_second = int(np.sum(second & ~first))
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for the number of tests (Holm 1979), in the same order."""
    count = len(p_values)
    adjusted = [0.0] * count
    largest = 0.0
    for rank, number in enumerate(sorted(range(count), key=lambda each: p_values[each])):
        largest = max(largest, min(1.0, (count - rank) * p_values[number]))
        adjusted[number] = largest
    return adjusted


def _resample(rng: np.random.Generator, count: int) -> Doubles:
    """Return the number of times that each of n items is drawn in n draws, of shape (block, n)."""
    # The same distribution as `multinomial`, which draws a binomial number for each item.
    drawn = rng.integers(count, size=(_BLOCK, count)) + count * np.arange(_BLOCK)[:, np.newaxis]
    times = np.bincount(drawn.ravel(), minlength=_BLOCK * count)
    return times.reshape(_BLOCK, count).astype(np.float64)


def _group_sums(values: npt.NDArray[np.floating], groups: Sequence[int]) -> tuple[Doubles, Doubles]:
    """Return the sums of shape (repeats, groups) of each group's values, and the group sizes."""
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    sums = np.array([np.bincount(numbers, weights=row) for row in values], np.float64)
    return sums, np.bincount(numbers).astype(np.float64)
