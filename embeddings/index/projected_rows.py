"""Exact search within a radius that compares principal components first.

Rows are at least as far apart as their components, so that a few numbers rule out most rows.
"""

from dataclasses import dataclass, replace

import numpy as np

from embeddings.arrays import Floats, Rows
from embeddings.index.components import SAMPLE, principal_axes, project
from embeddings.index.distances import ROUNDING, squared_distances
from embeddings.index.growing_array import GrowingArray

_WIDTHS = (8, 64)
"""Numbers of components that are compared one after the other; FAISS is fastest for 8."""

_BLOCK = 64
"""Consecutive rows of a sample: rows far apart read many pages of a mapped file."""

_MOST_COPIED = 0.25
"""Share of the rows above which a comparison with all is faster than a copy of some."""


@dataclass(frozen=True)
class ProjectedRows:
    """Immutable embeddings with their components; a longer collection shares its memory."""

    _base: Floats
    """Shape (n, dimension): embeddings whose principal components are compared."""
    _axes: Floats | None
    """Shape (dimension, axes); None without rows, so that `_base` is not read before."""
    _embeddings: "GrowingArray[np.float32]"
    """Shape (m, dimension)."""
    _levels: "tuple[GrowingArray[np.float32], ...]"
    """Leading components of shapes (m, 8) and (m, 64)."""

    @classmethod
    def empty(cls, base: Floats) -> "ProjectedRows":
        """Return a collection without rows; its axes are those of a base, shape (n, dimension)."""
        widths = (min(width, base.shape[1]) for width in _WIDTHS)
        return cls(
            base,
            None,
            GrowingArray.empty(np.float32, base.shape[1:]),
            tuple(GrowingArray.empty(np.float32, (width,)) for width in widths),
        )

    @property
    def embeddings(self) -> Floats:
        """Shape (m, dimension)."""
        return self._embeddings.values

    def extended(self, embeddings: Floats) -> "ProjectedRows":
        """Return the collection with more rows, of shape (r, dimension), at its end."""
        axes = (
            principal_axes(_sample(self._base), _WIDTHS[-1]) if self._axes is None else self._axes
        )
        components = project(embeddings, axes)
        levels = (each.extended(components[:, : each.values.shape[1]]) for each in self._levels)
        return replace(
            self,
            _axes=axes,
            _embeddings=self._embeddings.extended(embeddings),
            _levels=tuple(levels),
        )

    def near(self, query: Floats, radius: float) -> tuple[Rows, Floats]:
        """Return the rows within a radius around a query, and their squared distances.

        Rows that are a little farther can be among them, because of rounding.
        """
        rows = self._possible(query, radius)
        vectors = self.embeddings if rows is None else self.embeddings.take(rows, axis=0)
        squared = squared_distances(query, vectors)
        inside = np.flatnonzero(squared <= radius**2 * (1 + 3 * ROUNDING))
        return inside if rows is None else rows[inside], squared[inside]

    def _possible(self, query: Floats, radius: float) -> Rows | None:
        """Return the rows with components within the radius; None if they are many."""
        if self._axes is None:
            return None
        # Components have an error relative to the norms. A row within the radius has at most the
        # norm of the query and the radius.
        unit = 3 * len(query) * float(np.finfo(np.float32).eps)
        limit = radius * (1 + ROUNDING + unit) + 2 * unit * float(np.linalg.norm(query))
        components, rows = project(query, self._axes), None
        for level in self._levels:
            values = level.values if rows is None else level.values.take(rows, axis=0)
            squared = squared_distances(components[: values.shape[1]], values)
            possible = np.flatnonzero(squared <= limit**2)
            rows = possible if rows is None else rows[possible]
            if len(rows) > _MOST_COPIED * len(self.embeddings):
                return None
        return rows


def _sample(base: Floats) -> Floats:
    """Return rows in blocks at equal distances; all rows if there are few."""
    blocks = len(base) // _BLOCK
    if blocks <= SAMPLE // _BLOCK:
        return base
    starts = np.linspace(0, blocks - 1, SAMPLE // _BLOCK).astype(np.int64) * _BLOCK
    rows = (starts[:, np.newaxis] + np.arange(_BLOCK)).ravel()
    return base.take(rows, axis=0)
