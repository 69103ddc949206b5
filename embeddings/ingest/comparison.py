"""Comparison of one image with all stored images, whose signatures are kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Floats, Pixels, Rows
from embeddings.ingest.near_duplicates import CLOSE_THUMBNAILS, Signatures, compare, sign
from embeddings.ingest.resizable_array import ResizableArray


@dataclass(frozen=True)
class Alike:
    """Near-duplicates of one image."""

    rows: Rows
    """Rows of the near-duplicates, ascending."""
    deviations: Floats
    """Root mean square differences of the thumbnails (0-255), of shape len(rows)."""

    def copy(self, label: str | None, labels: Sequence[str | None]) -> int | None:
        """Return the closest row with a nearly identical thumbnail and another label, or None.

        `labels` are those of `rows`. Images without a label are no copies.
        """
        if label is None:
            return None
        crossing = np.array([other not in (None, label) for other in labels], np.bool_)
        close = np.flatnonzero(crossing & (self.deviations <= CLOSE_THUMBNAILS))
        if not len(close):
            return None
        return int(self.rows[close[np.argmin(self.deviations[close])]])


class Comparison:
    """Thumbnails of all images and their signatures, by row.

    One image takes 1,030 bytes. The result is that of `find_links`: the projection of the
    signatures, which is fitted again when the number of images has doubled, has no effect on it.
    """

    def __init__(self, thumbnails: Pixels) -> None:
        """Compute the signatures of thumbnails, uint8 of shape (n, 16, 17, 3)."""
        self._thumbnails = ResizableArray(thumbnails)
        self._fit()

    def find(self, thumbnail: Pixels, without: int | None = None) -> Alike:
        """Return the near-duplicates of a thumbnail among all rows but `without`."""
        rows = self._signatures().candidates(sign(thumbnail[np.newaxis], self._basis))
        rows = rows[rows != (-1 if without is None else without)]
        if not len(rows):
            return Alike(rows, np.empty(0, np.float32))
        stack = np.concatenate([self._thumbnails.values[rows], thumbnail[np.newaxis]])
        near, deviations = compare(stack, np.arange(len(rows)), np.full(len(rows), len(rows)))
        return Alike(rows[near], deviations[near])

    def thumbnail(self, row: int) -> Pixels:
        """Return the thumbnail of a row."""
        return np.asarray(self._thumbnails.values[row], np.uint8)

    def set(self, row: int, thumbnail: Pixels) -> None:
        """Replace the thumbnail of a row, or append it."""
        self._thumbnails.set(row, thumbnail)
        if len(self._thumbnails) > 2 * self._fitted + 1000:
            self._fit()
            return
        signature = sign(thumbnail[np.newaxis], self._basis)
        self._hashes.set(row, signature.hashes[0])
        self._bits.set(row, signature.bits[0])
        self._informed.set(row, signature.informed[0])
        self._points.set(row, signature.points[0])

    def _fit(self) -> None:
        signatures = sign(self._thumbnails.values)
        self._fitted, self._basis = len(self._thumbnails), signatures.basis
        self._hashes = ResizableArray(signatures.hashes)
        self._bits = ResizableArray(signatures.bits)
        self._informed = ResizableArray(signatures.informed)
        self._points = ResizableArray(signatures.points)

    def _signatures(self) -> Signatures:
        return Signatures(
            self._hashes.values,
            self._bits.values,
            self._informed.values,
            self._points.values,
            self._basis,
        )
