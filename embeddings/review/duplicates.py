"""Groups of duplicates: images with near embeddings, or nearly equal thumbnails."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Doubles, Mask, Pixels, Rows
from embeddings.ingest.near_duplicates import NEW, compare, connected_groups, find_links

NEAR = 0.5
"""Largest distance of duplicates, as a share of the smaller of their two scales."""

MOST_COMPARED = 20_000
"""Largest number of thumbnails that are all compared with each other."""

_KEY_LENGTH = 16


@dataclass(frozen=True)
class Pairs:
    """Pairs of duplicates of n rows; the first row of a pair is the smaller one."""

    first: Rows
    second: Rows

    def __len__(self) -> int:
        return len(self.first)

    def among(self, rows: Mask) -> "Pairs":
        """Return the pairs of which both rows are in a mask of shape (n,)."""
        kept = rows[self.first] & rows[self.second]
        return Pairs(self.first[kept], self.second[kept])

    def without(self, count: int, others: Iterable[tuple[int, int]]) -> "Pairs":
        """Return the pairs that are not among other pairs of `count` rows."""
        codes = np.array([min(pair) * count + max(pair) for pair in others], np.int64)
        kept = ~np.isin(self.first * count + self.second, codes)
        return Pairs(self.first[kept], self.second[kept])

    @classmethod
    def of(cls, first: Rows, second: Rows) -> "Pairs":
        """Return pairs in any order, each of them once."""
        pairs = np.stack([np.minimum(first, second), np.maximum(first, second)], axis=1)
        lower, upper = np.unique(pairs.astype(np.int64), axis=0).T
        return cls(lower, upper)

    @classmethod
    def none(cls) -> "Pairs":
        """Return no pair."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    def __or__(self, other: "Pairs") -> "Pairs":
        """Return the pairs of both, each of them once."""
        return Pairs.of(
            np.concatenate([self.first, other.first]), np.concatenate([self.second, other.second])
        )


@dataclass(frozen=True)
class Alike:
    """Pairs of duplicates by both measures."""

    near: Pairs
    """Pairs with near embeddings."""
    copies: Pairs
    """Pairs with nearly equal thumbnails."""


def near_pairs(neighbors: Rows, distances: Doubles, scales: Doubles) -> Pairs:
    """Return the images whose distance is at most the share `NEAR` of both of their scales.

    `neighbors` and `distances` have shape (n, 3): the nearest images and their distances. Of more
    than three duplicates each is linked to three; they are one group nevertheless. `scales`, of
    shape (n,), are the distances to the tenth nearest training image: images of a uniform class,
    such as fields in bloom, are near each other without showing the same. An infinite scale is
    that of an image without a training image, which has no near ones.
    """
    limits = np.where(np.isfinite(scales), NEAR * scales, -1.0)
    rows, columns = np.nonzero((neighbors >= 0) & (distances <= limits[:, np.newaxis]))
    others = neighbors[rows, columns]
    kept = distances[rows, columns] <= limits[others]
    return Pairs.of(rows[kept], others[kept])


def thumbnail_pairs(thumbnails: Pixels, known: int = 0) -> Pairs:
    """Return the near-duplicates among thumbnails, uint8 of shape (n, 16, 17, 3).

    Pairs of the first `known` thumbnails are left out.
    """
    keys = np.full(len(thumbnails), NEW)
    keys[:known] = np.arange(known)
    fresh = np.arange(known, len(thumbnails))
    links = find_links(thumbnails, fresh, keys, [None] * len(thumbnails))
    clusters = [each + known for each in _by_number(links.clusters[known:]) if len(each) > 1]
    joined = [(links.images, links.partners), *(_near(thumbnails, each) for each in clusters)]
    first, second = (np.concatenate(each) for each in zip(*joined, strict=True))
    return Pairs.of(first, second)


def thumbnail_pairs_of_groups(thumbnails: Pixels, groups: Rows) -> Pairs:
    """Return the near-duplicates among the thumbnails of each group, given by shape (n,).

    Ingest has put near-duplicates into one group, unless they are in other parts of the split.
    """
    numbers = np.unique(groups, return_inverse=True)[1].astype(np.int32)
    joined = [_near(thumbnails, each) for each in _by_number(numbers) if len(each) > 1]
    if not joined:
        return Pairs.none()
    first, second = (np.concatenate(each) for each in zip(*joined, strict=True))
    return Pairs.of(first, second)


def _near(thumbnails: Pixels, members: Rows) -> tuple[Rows, Rows]:
    first, second = np.triu_indices(len(members), 1)
    near, _ = compare(thumbnails[members], first, second)
    return members[first[near]], members[second[near]]


def groups_of(pairs: Pairs) -> list[Rows]:
    """Return the groups of rows that pairs join, by their first row."""
    involved = np.unique(np.concatenate([pairs.first, pairs.second]))
    first, second = np.searchsorted(involved, pairs.first), np.searchsorted(involved, pairs.second)
    numbers = connected_groups(len(involved), first, second)
    return [involved[each] for each in _by_number(numbers)]


def _by_number(numbers: npt.NDArray[np.int32]) -> list[Rows]:
    """Return the positions of each number, shape (n,), in ascending order."""
    if not len(numbers):
        return []
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order])) + 1
    return np.split(order, starts)


def group_key(ids: Sequence[str]) -> str:
    """Return the name of a group, which depends on its ids alone."""
    return sha256("\0".join(sorted(ids)).encode()).hexdigest()[:_KEY_LENGTH]
