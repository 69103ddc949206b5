"""Near-duplicate detection, including copies of one image with different encodings.

Candidates are found by a difference hash (N. Krawetz, "Kind of Like That", 2013) of a thumbnail of
17x16 cells: for each pair of horizontal neighbours, two of 512 bits are set if the grey value rises
or falls by more than noise. Flat areas set no bits. Candidates are confirmed by the correlation of
the colour differences between neighbouring cells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embeddings.arrays import Floats, Mask, Rows

Thumbnail = npt.NDArray[np.uint8]
"""RGB of shape (16, 17, 3)."""

NOISE = 2
"""Noise threshold: largest difference of grey values (0-255) that is ignored."""

LEAST_BITS = 12
"""Least number of rises and of falls for a comparison: hashes of flat areas all agree."""

FARTHEST = 0.2
"""Largest share (0-1) of the bits set in two hashes that differ between near-duplicates."""

CORRELATION = 0.93
"""Least correlation of near-duplicates; similar but distinct scenes stay below 0.6."""

CLOSE_THUMBNAILS = 8.0
"""Largest root mean square difference (0-255) of the thumbnails of one image encoded twice."""

_FINE_SIDE = 64
_SAME_FINE, _SAME_FINE_VALUE = 6.0, 48.0
_FULL_SIDE = 128
"""Limits for one image encoded twice, scaled to 64x64 pixels, values 0-255: the root mean square
and the largest difference. JPEG of quality 30 and half the size stay within them. The limits rise
in proportion for images below 128 pixels, because encoding errors average out less there."""

_SIDE = 16
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_TILE = 4096
_BLOCKS_PER_TILE = 16

_Pairs = tuple[Rows, Rows]


@dataclass(frozen=True)
class NearDuplicates:
    """Groups of near-duplicates, and candidates for copies with another label."""

    groups: list[int]
    """Group number of each image; groups are numbered by their first image."""
    copies: dict[int, int]
    """Closest row with a nearly identical thumbnail and another label, by row."""


def make_thumbnail(image: Image.Image) -> Thumbnail:
    """Return the RGB thumbnail of an image, shape (16, 17, 3)."""
    small = image.resize((_SIDE + 1, _SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.uint8)


def is_same_image(image: Image.Image, other: Image.Image) -> bool:
    """Return whether two RGB images differ only in their encoding or scale."""
    size = (_FINE_SIDE, _FINE_SIDE)
    first, second = (
        np.asarray(each.resize(size, Image.Resampling.BILINEAR), dtype=np.float32)
        for each in (image, other)
    )
    difference = np.abs(first - second)
    slack = max(1.0, _FULL_SIDE / min(max(image.size), max(other.size)))
    within = np.sqrt(np.mean(difference**2)) <= _SAME_FINE * slack
    return bool(within and difference.max() <= _SAME_FINE_VALUE * slack)


def find_near_duplicates(
    thumbnails: Sequence[Thumbnail], labels: Sequence[str], tile: int = _TILE
) -> NearDuplicates:
    """Return the groups of near-duplicates, and candidates for copies with another label.

    Memory grows with the number of images and with `tile`, the number of images in one index, but
    not with the number of pairs: at most tile**2 / 16 pairs are in memory.
    """
    if not thumbnails:
        return NearDuplicates([], {})
    stack = np.stack(thumbnails)
    label_numbers = np.unique(np.asarray(labels), return_inverse=True)[1]
    groups = np.arange(len(stack), dtype=np.int32)
    copies = np.full(len(stack), -1)
    deviations = np.full(len(stack), np.inf, dtype=np.float32)
    for first, second in _candidates(stack, tile):
        crossing = label_numbers[first] != label_numbers[second]
        open_pairs = (groups[first] != groups[second]) | crossing
        first, second, crossing = first[open_pairs], second[open_pairs], crossing[open_pairs]
        if not len(first):
            continue
        near, deviation = _compare(stack, first, second)
        groups = connected_groups(len(stack), groups[first[near]], groups[second[near]])[groups]
        same = near & crossing & (deviation <= CLOSE_THUMBNAILS)
        for rows, others in ((first, second), (second, first)):
            _keep_closest(copies, deviations, rows[same], others[same], deviation[same])
    paired = np.flatnonzero(copies >= 0)
    return NearDuplicates(
        groups.tolist(), dict(zip(paired.tolist(), copies[paired].tolist(), strict=True))
    )


def connected_groups(
    count: int, first: npt.ArrayLike, second: npt.ArrayLike
) -> npt.NDArray[np.int32]:
    """Return the connected components of `count` items joined by the pairs first[i], second[i].

    The result has shape (count,): number of each item's component, numbered by first item.
    """
    rows, columns = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    links = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
    _, numbers = connected_components(links, directed=False)
    return np.asarray(numbers, dtype=np.int32)


def _candidates(stack: npt.NDArray[np.uint8], tile: int) -> Iterator[_Pairs]:
    """Yield pairs of rows with similar hashes, in batches of bounded size."""
    hashes, bits = _hash(stack)
    informed = np.flatnonzero(bits.min(axis=1) >= LEAST_BITS)
    counts = bits.sum(axis=1)
    # Similar hashes have similar numbers of bits, so only neighbours in this order are compared.
    order = informed[np.argsort(counts[informed], kind="stable")]
    hashes, counts = hashes[order], counts[order]
    block = max(1, tile // _BLOCKS_PER_TILE)
    for top in range(0, len(order), tile):
        stored = slice(top, top + tile)
        index = faiss.IndexBinaryFlat(8 * hashes.shape[1])
        index.add(hashes[stored])
        for start in range(0, min(top + tile, len(order)), block):
            asked = slice(start, min(start + block, top + tile))
            most, least = counts[asked].max(), counts[stored].min()
            if least - most > FARTHEST * (least + most):
                continue
            radius = int(FARTHEST * (most + counts[stored].max()))
            limits, distances, found = index.range_search(hashes[asked], radius + 1)
            first = start + np.repeat(np.arange(len(limits) - 1), np.diff(limits.astype(np.int64)))
            second = top + found
            near = distances <= FARTHEST * (counts[first] + counts[second])
            near &= first < second
            yield order[first[near]], order[second[near]]


def _hash(stack: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], Rows]:
    """Return hashes, uint8 (rows, 64), and their numbers of rises and falls, (rows, 2)."""
    hashes, bits = [], []
    for start in range(0, len(stack), _TILE):
        steps = np.diff(stack[start : start + _TILE] @ _GREY, axis=2)
        moves = np.stack([steps > NOISE, steps < -NOISE], axis=1)
        hashes.append(np.packbits(moves.reshape(len(moves), -1), axis=1))
        bits.append(moves.sum(axis=(2, 3)))
    return np.concatenate(hashes), np.concatenate(bits)


def _compare(stack: npt.NDArray[np.uint8], first: Rows, second: Rows) -> tuple[Mask, Floats]:
    """Return whether pairs of rows are near-duplicates, and their root mean square differences."""
    left, at_left = np.unique(first, return_inverse=True)
    right, at_right = np.unique(second, return_inverse=True)
    one, other = stack[left].astype(np.float32), stack[right].astype(np.float32)
    near = (_differences(one) @ _differences(other).T)[at_left, at_right] >= CORRELATION
    # Values around zero keep the square of the difference exact enough.
    one, other = one.reshape(len(one), -1) - 128, other.reshape(len(other), -1) - 128
    products = (one @ other.T)[at_left, at_right]
    squares = (one**2).sum(axis=1)[at_left] + (other**2).sum(axis=1)[at_right] - 2 * products
    return near, np.sqrt(np.maximum(squares, 0) / one.shape[1])


def _differences(thumbnails: Floats) -> Floats:
    """Return the differences to the right and lower neighbours as vectors of unit length."""
    steps = [np.diff(thumbnails, axis=axis).reshape(len(thumbnails), -1) for axis in (1, 2)]
    vectors = np.concatenate(steps, axis=1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _keep_closest(
    copies: Rows, deviations: Floats, rows: Rows, others: Rows, found: Floats
) -> None:
    """Store the closest of `others` for each of `rows` if it is closer than the stored one."""
    # If an element is assigned more than once, the last value is kept.
    falling = np.argsort(-found, kind="stable")
    rows, others, found = rows[falling], others[falling], found[falling]
    closer = found < deviations[rows]
    copies[rows[closer]] = others[closer]
    deviations[rows[closer]] = found[closer]
