"""How sure an accuracy is, and whether two networks differ: intervals and a paired test."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

Correct = npt.NDArray[np.bool_]
"""Shape (n,): whether each validation photograph is recognised."""

SIGNIFICANCE = 0.05
_LEVEL = 0.95
_DRAWS = 10_000


def bootstrap_interval(
    correct: npt.NDArray[np.floating], groups: Sequence[int], seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of a share, drawn with replacement by group.

    `correct` of shape (n,) holds how often each photograph is right, 0-1. Photographs of one group
    are alike, so whole groups are drawn (the cluster bootstrap, Cameron et al. 2008). One group
    says nothing of others: its interval is 0-1.
    """
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    right = np.bincount(numbers, weights=correct)
    sizes = np.bincount(numbers)
    count = len(sizes)
    if count < 2:
        return 0.0, 1.0
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), _DRAWS)
    shares = (drawn @ right) / (drawn @ sizes)
    low, high = np.quantile(shares, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def mcnemar(first: Correct, second: Correct) -> float:
    """Exact two-sided p-value that two networks err equally often on the same photographs.

    Only the photographs that exactly one of them recognises say anything (McNemar 1947).
    """
    only_first = int(np.sum(first & ~second))
    only_second = int(np.sum(second & ~first))
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for how many tests there are (Holm 1979), in their order."""
    count = len(p_values)
    adjusted = [0.0] * count
    largest = 0.0
    for rank, number in enumerate(sorted(range(count), key=lambda each: p_values[each])):
        largest = max(largest, min(1.0, (count - rank) * p_values[number]))
        adjusted[number] = largest
    return adjusted
