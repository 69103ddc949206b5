"""Near-duplicate photographs, by the difference hash of their grey values.

Method: N. Krawetz, "Kind of Like That" (2013): each of 256 bits says whether a pixel of the
photograph scaled to 17x16 is brighter than its left neighbour.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

Hash = npt.NDArray[np.bool_]

NEAR = 16
"""Photographs whose hashes differ in at most this many of 256 bits count as near-duplicates."""

_SIDE = 16
_CHUNK = 1024


def difference_hash(image: Image.Image) -> Hash:
    """256 bits, shape (256,), of an RGB image."""
    grey = image.convert("L").resize((_SIDE + 1, _SIDE), Image.Resampling.BILINEAR)
    values = np.asarray(grey, dtype=np.int16)
    return np.asarray(values[:, 1:] > values[:, :-1]).ravel()


def near_pairs(hashes: Sequence[Hash]) -> list[tuple[int, int]]:
    """All pairs (i, j), i < j, of near-duplicates."""
    # Of vectors of +1 and -1 the product counts equal bits minus different ones.
    signs = np.where(np.stack(hashes), 1, -1).astype(np.float32)
    bits = signs.shape[1]
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(signs), _CHUNK):
        distances = (bits - signs[start : start + _CHUNK] @ signs.T) / 2
        first, second = np.nonzero(distances <= NEAR)
        first = first + start
        upper = first < second
        pairs += zip(first[upper].tolist(), second[upper].tolist(), strict=True)
    return pairs


def join(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Group numbers of `count` items of which the paired ones belong together."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs:
        parent[root(first)] = root(second)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(item), len(numbers)) for item in range(count)]
