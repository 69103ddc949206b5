"""Near-duplicate detection, including copies of one image with different encodings.

Near-duplicates agree in a difference hash (N. Krawetz, "Kind of Like That", 2013) of a thumbnail of
17x16 cells: for each pair of horizontal neighbours, two of 512 bits are set if the grey value rises
or falls by more than noise. Flat areas set no bits. The colour differences between neighbouring
cells of near-duplicates correlate, too. Candidates are found by an upper bound of that correlation,
the inner product of short vectors: a projection of the differences and the length of the rest.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, product
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from embeddings.arrays import Floats, Mask, Pixels, Rows
from embeddings.cpu import usable_processors
from embeddings.ingest.thumbnails import SIDE

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

NEW = -1
"""Key of images that have no group yet."""

_FINE_SIDE = 64
_SAME_FINE, _SAME_FINE_VALUE = 6.0, 48.0
_FULL_SIDE = 128
"""Limits for one image encoded twice, scaled to 64x64 pixels, values 0-255: the root mean square
and the largest difference. JPEG of quality 30 and half the size stay within them. The limits rise
in proportion for images below 128 pixels, because encoding errors average out less there."""

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_TILE = 2048
_FEW = 128
"""Number of items and pairs up to which groups are found without a sparse matrix."""
"""Images in one product; the product of a block of them with all fits in a second-level cache."""

_BLOCKS_PER_TILE = 16
_DIFFERENCES = 3 * (SIDE * SIDE + (SIDE - 1) * (SIDE + 1))
_WAITING = 65_536
_PROJECTED = 31
_SAMPLE = 2048
_ROUNDING = 1e-3
"""Margin of the upper bound of the correlation for single precision."""

_Pairs = tuple[Rows, Rows]
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Links:
    """Near-duplicates of new and replaced images."""

    images: Rows
    """Rows of new and replaced images, each with a near-duplicate of known key."""
    partners: Rows
    """Row of that near-duplicate, of shape len(images)."""
    clusters: npt.NDArray[np.int32]
    """Shape (n,): number of each new image's cluster of near-duplicates; others are alone."""
    copies: dict[int, int]
    """Closest row with a nearly identical thumbnail and another label, by row."""


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


def find_links(
    thumbnails: Pixels,
    fresh: Rows,
    keys: Rows,
    labels: Sequence[str | None],
    tile: int = _TILE,
) -> Links:
    """Return the near-duplicates of new and replaced images among all images.

    `thumbnails` has shape (n, 16, 17, 3) and `keys` shape (n,). `fresh` contains the rows of new
    and replaced images; other images are not compared with each other. New images have the key
    `NEW` and are joined to clusters. Known images of one key are interchangeable: a fresh image is
    linked to at most one of them. Images without a label (None) are no copies with another label.
    Time grows with len(fresh) x n. Memory grows with n and with `tile`, the number of images in one
    product, but not with the number of pairs: at most tile**2 are in memory for each processor.
    """
    found = _Found(fresh, keys, _numbers(labels))
    if len(fresh):
        signatures = sign(thumbnails)
        for first, second in _candidates(signatures, fresh, tile):
            first, second = found.undecided(first, second)
            agree = signatures.agree(first, second)
            first, second = first[agree], second[agree]
            if len(first):
                near, deviation = compare(thumbnails, first, second)
                found.add(first[near], second[near], deviation[near])
    return found.links()


def connected_groups(
    count: int, first: npt.ArrayLike, second: npt.ArrayLike
) -> npt.NDArray[np.int32]:
    """Return the connected components of `count` items joined by the pairs first[i], second[i].

    The result has shape (count,): number of each item's component, numbered by first item.
    """
    rows, columns = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if count + len(rows) <= _FEW:
        return _few_groups(count, rows, columns)
    links = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
    _, numbers = connected_components(links, directed=False)
    return np.asarray(numbers, dtype=np.int32)


def _few_groups(count: int, first: Rows, second: Rows) -> npt.NDArray[np.int32]:
    """Return the result of `connected_groups`; a sparse matrix of few items takes longer."""
    roots = list(range(count))

    def root_of(item: int) -> int:
        while roots[item] != item:
            roots[item] = roots[roots[item]]
            item = roots[item]
        return item

    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        lower, upper = sorted((root_of(one), root_of(other)))
        # The root of a group is its first item.
        roots[upper] = lower
    numbers: dict[int, int] = {}
    groups = [numbers.setdefault(root_of(item), len(numbers)) for item in range(count)]
    return np.array(groups, np.int32)


class _Found:
    """Near-duplicates found so far."""

    def __init__(self, fresh: Rows, keys: Rows, labels: Rows) -> None:
        self._keys, self._labels = keys, labels
        self._fresh = np.zeros(len(keys), bool)
        self._fresh[fresh] = True
        self._clusters = np.arange(len(keys), dtype=np.int32)
        self._linked = np.empty(0, np.int64)
        self._pairs = np.empty((2, 0), np.int64)
        self._waiting: list[_Pairs] = []
        self._copies = np.full(len(keys), -1)
        self._deviations = np.full(len(keys), np.inf, dtype=np.float32)

    def undecided(self, first: Rows, second: Rows) -> _Pairs:
        """Return the pairs that can change the result."""
        wanted = self._apart(first, second) | self._crossing(first, second)
        wanted |= self._unlinked(first, second) | self._unlinked(second, first)
        return first[wanted], second[wanted]

    def add(self, first: Rows, second: Rows, deviation: Floats) -> None:
        """Add near-duplicates and the root mean square differences of their thumbnails."""
        copied = self._crossing(first, second) & (deviation <= CLOSE_THUMBNAILS)
        for rows, others in ((first, second), (second, first)):
            _keep_closest(
                self._copies, self._deviations, rows[copied], others[copied], deviation[copied]
            )
        self._waiting.append((first, second))
        if sum(len(rows) for rows, _ in self._waiting) >= _WAITING:
            self._settle()

    def links(self) -> Links:
        """Return the near-duplicates added."""
        self._settle()
        copied = np.flatnonzero(self._copies >= 0)
        copies = dict(zip(copied.tolist(), self._copies[copied].tolist(), strict=True))
        return Links(self._pairs[0], self._pairs[1], self._clusters, copies)

    def _settle(self) -> None:
        if not self._waiting:
            return
        first, second = (np.concatenate(rows) for rows in zip(*self._waiting, strict=True))
        self._waiting.clear()
        apart = self._apart(first, second)
        one, other = self._clusters[first[apart]], self._clusters[second[apart]]
        self._clusters = connected_groups(len(self._keys), one, other)[self._clusters]
        for image, partner in ((first, second), (second, first)):
            unlinked = self._unlinked(image, partner)
            codes, at = np.unique(self._code(image[unlinked], partner[unlinked]), return_index=True)
            pairs = np.stack([image[unlinked][at], partner[unlinked][at]])
            self._pairs = np.concatenate([self._pairs, pairs], axis=1)
            self._linked = np.union1d(self._linked, codes)

    def _apart(self, first: Rows, second: Rows) -> Mask:
        new = (self._keys[first] == NEW) & (self._keys[second] == NEW)
        return np.asarray(new & (self._clusters[first] != self._clusters[second]))

    def _crossing(self, first: Rows, second: Rows) -> Mask:
        one, other = self._labels[first], self._labels[second]
        return np.asarray((one != other) & (one >= 0) & (other >= 0))

    def _unlinked(self, images: Rows, partners: Rows) -> Mask:
        """Return whether a fresh image is not linked to the key of a known partner."""
        candidates = self._fresh[images] & (self._keys[partners] != NEW)
        codes = self._code(images, partners)
        return np.asarray(candidates & ~np.isin(codes, self._linked, kind="sort"))

    def _code(self, images: Rows, partners: Rows) -> Rows:
        """Return a number for each pair of image and key."""
        return np.asarray(images * (self._keys.max() + 1) + self._keys[partners], np.int64)


@dataclass(frozen=True)
class Signatures:
    """Values of all thumbnails for the search of candidates."""

    hashes: npt.NDArray[np.uint64]
    """Shape (n, 8)."""
    bits: Rows
    """Number of set bits of each hash."""
    informed: Mask
    """True for hashes with enough bits for a comparison."""
    points: Floats
    """Shape (n, 32); the inner product of two bounds the correlation from above."""
    basis: Floats
    """Orthonormal columns of the projection, shape (differences, 31)."""

    def candidates(self, image: "Signatures") -> Rows:
        """Return the rows that may be near-duplicates of an image of one row, ascending."""
        if not image.informed[0]:
            return np.empty(0, np.int64)
        bounds = self.points @ image.points[0]
        rows = np.flatnonzero(self.informed & (bounds >= CORRELATION - _ROUNDING))
        differing = np.bitwise_count(self.hashes[rows] ^ image.hashes[0]).sum(axis=1)
        agree = differing <= FARTHEST * (self.bits[rows] + image.bits[0])
        return np.asarray(rows[agree], np.int64)

    def agree(self, first: Rows, second: Rows) -> Mask:
        """Return whether the hashes of pairs differ in few of the bits set."""
        differing = np.bitwise_count(self.hashes[first] ^ self.hashes[second]).sum(axis=1)
        return np.asarray(differing <= FARTHEST * (self.bits[first] + self.bits[second]))


def sign(stack: Pixels, basis: Floats | None = None) -> Signatures:
    """Return the signatures of thumbnails, uint8 of shape (n, 16, 17, 3).

    Only signatures of one basis can be compared; by default, it is fitted to the thumbnails.
    """
    hashes, bits = _hash(stack)
    informed = bits.min(axis=1) >= LEAST_BITS
    rows = np.flatnonzero(informed)
    if basis is None:
        basis = _basis(stack[rows[:: max(1, len(rows) // _SAMPLE)]])
    points = np.zeros((len(stack), _PROJECTED + 1), np.float32)
    for start in range(0, len(rows), _TILE):
        chunk = rows[start : start + _TILE]
        projected = _differences(stack[chunk].astype(np.float32)) @ basis
        points[chunk, :-1] = projected
        points[chunk, -1] = np.sqrt(np.maximum(0, 1 - (projected**2).sum(axis=1)))
    return Signatures(hashes.view(np.uint64), bits.sum(axis=1), informed, points, basis)


def _basis(sample: Pixels) -> Floats:
    """Return orthonormal columns close to the main components of the differences.

    The bound holds for every orthonormal basis; a basis of main components makes it tight.
    """
    vectors = _differences(sample.astype(np.float32))
    basis = np.random.default_rng(0).normal(size=(_DIFFERENCES, _PROJECTED)).astype(np.float32)
    for _ in range(2):
        basis = np.linalg.qr(vectors.T @ (vectors @ basis))[0]
    return np.asarray(basis, np.float32)


def _candidates(signatures: Signatures, fresh: Rows, tile: int) -> Iterator[_Pairs]:
    """Yield pairs of a fresh and another row that may correlate, in batches of bounded size."""
    is_fresh = np.zeros(len(signatures.points), bool)
    is_fresh[fresh] = True
    known = _tiles(np.flatnonzero(~is_fresh & signatures.informed), tile)
    new = _tiles(np.flatnonzero(is_fresh & signatures.informed), tile)
    among_new = ((others, rows) for n, others in enumerate(new) for rows in new[: n + 1])
    find = partial(_compare_tiles, signatures.points, is_fresh, max(1, tile // _BLOCKS_PER_TILE))
    # Threads of BLAS take longer to wait for each other than these small products.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_processors()) as pool:
        for found in _run_ahead(pool, find, chain(product(known, new), among_new)):
            yield from found


def _tiles(rows: Rows, tile: int) -> list[Rows]:
    return [rows[start : start + tile] for start in range(0, len(rows), tile)]


def _compare_tiles(
    points: Floats, is_fresh: Mask, block: int, tiles: tuple[Rows, Rows]
) -> list[_Pairs]:
    """Return the pairs of two tiles that may correlate, for each block of the second."""
    others, asked = tiles
    transposed = np.ascontiguousarray(points[others].T)
    pairs = []
    for start in range(0, len(asked), block):
        rows = asked[start : start + block]
        bounds = points[rows] @ transposed
        high = np.flatnonzero(bounds.max(axis=1) >= CORRELATION - _ROUNDING)
        if len(high):
            at, column = np.nonzero(bounds[high] >= CORRELATION - _ROUNDING)
            first, second = rows[high[at]], others[column]
            once = (first < second) | ~is_fresh[second]
            pairs.append((first[once], second[once]))
    return pairs


def _run_ahead(pool: ThreadPoolExecutor, work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """Yield the results in order; few of them are in memory at once."""
    waiting: deque[Future[T]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > usable_processors():
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _hash(stack: Pixels) -> tuple[npt.NDArray[np.uint8], Rows]:
    """Return hashes, uint8 (rows, 64), and their numbers of rises and falls, (rows, 2)."""
    hashes, bits = [], []
    for start in range(0, max(1, len(stack)), _TILE):
        steps = np.diff(stack[start : start + _TILE] @ _GREY, axis=2)
        moves = np.stack([steps > NOISE, steps < -NOISE], axis=1)
        hashes.append(np.packbits(moves.reshape(len(moves), 2 * SIDE * SIDE), axis=1))
        bits.append(moves.sum(axis=(2, 3)))
    return np.concatenate(hashes), np.concatenate(bits)


def compare(stack: Pixels, first: Rows, second: Rows) -> tuple[Mask, Floats]:
    """Return whether candidates are near-duplicates, and the differences of their thumbnails.

    The candidates are the pairs of rows first[i], second[i] of `stack`. The differences are root
    mean squares of values 0-255.
    """
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
    steps = [np.diff(thumbnails, axis=axis) for axis in (1, 2)]
    vectors = np.concatenate(
        [each.reshape(len(each), math.prod(each.shape[1:])) for each in steps], axis=1
    )
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _numbers(labels: Sequence[str | None]) -> Rows:
    """Return a number for each label; -1 for None."""
    numbers: dict[str | None, int] = {None: -1}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.int64)


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
