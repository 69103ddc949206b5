"""Nearest neighbours of all live rows, patched exactly as rows come and go."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Doubles, Floats, Mask, Rows
from embeddings.index import Neighbors
from embeddings.index.distances import ROUNDING, exact_distances, squared_distances
from embeddings.index.growing_array import GrowingArray
from embeddings.index.id_order import rank_ids
from embeddings.index.knn_graph import DEGREE, NeighborGraph
from embeddings.index.live import LiveIndex

_SEALED, _UNKNOWN = -1, -2
"""Places of a list that is in the sealed graph, and of one that is searched when it is read."""

_SQUARED_AT_ONCE = 4_000_000
"""Largest number of squared distances in memory at once."""

_PAIRS_AT_ONCE = 10_000


@dataclass(frozen=True)
class LiveGraph:
    """Nearest live rows of every live row, at most three, without itself.

    Rows have the numbers of a `LiveIndex`. A row that appears is inserted into the lists to which
    it belongs; a list that loses a row is searched again when it is read. A graph never changes:
    `with_changes` returns another one.
    """

    sealed: NeighborGraph
    stamps: Rows
    """Shape (n + m,): revision at which the list of a row, its record or that of a listed row
    changed last; 0 if they are those of the release. A list that was not read has the newest one.
    """
    _last: Floats
    """Shape (n + m,): distance of the last listed row, rounded; infinity for a list of fewer than
    three rows, NaN for an unknown list."""
    _places: npt.NDArray[np.int32]
    """Shape (n + m,): position of the list of a row in `_rows`, or `_SEALED` or `_UNKNOWN`."""
    _rows: "GrowingArray[np.int64]"
    """Shape (p, 3): lists that differ from those of the sealed graph; -1 if there are fewer."""
    _distances: "GrowingArray[np.float64]"
    """Shape (p, 3): infinity if there are fewer."""
    _exact: "GrowingArray[np.bool_]"
    """Shape (p,)."""
    _searched: dict[int, Neighbors] = field(default_factory=dict)
    """Unknown lists that were searched."""

    @classmethod
    def of(cls, sealed: NeighborGraph) -> "LiveGraph":
        """Return the graph of a release."""
        count, degree = sealed.rows.shape
        if degree < DEGREE:
            missing = ((0, 0), (0, DEGREE - degree))
            sealed = replace(
                sealed,
                rows=np.pad(sealed.rows, missing, constant_values=-1),
                distances=np.pad(sealed.distances, missing, constant_values=np.inf),
            )
        return cls(
            sealed=sealed,
            stamps=np.zeros(count, np.int64),
            _last=sealed.distances[:, -1].astype(np.float32),
            _places=np.full(count, _SEALED, np.int32),
            _rows=GrowingArray.empty(np.int64, (DEGREE,)),
            _distances=GrowingArray.empty(np.float64, (DEGREE,)),
            _exact=GrowingArray.empty(np.bool_),
        )

    def neighbors(self, index: LiveIndex, row: int) -> Neighbors:
        """Return the nearest live rows of a live row; `index` has the rows of this graph."""
        place = int(self._places[row])
        if place == _UNKNOWN:
            if row not in self._searched:
                query = index.embedding(row)
                self._searched[row] = index.search(query, DEGREE, exclude=row, exact=True)
            return self._searched[row]
        if place == _SEALED:
            rows, distances, exact = self.sealed.rows[row], self.sealed.distances[row], False
        else:
            rows, distances = self._rows.values[place], self._distances.values[place]
            exact = bool(self._exact.values[place])
        count = int(np.count_nonzero(rows >= 0))
        exact = exact or self.sealed.exact
        return Neighbors(rows[:count], distances[:count], "flat" if exact else "ivf", exact)

    def lists(self, index: LiveIndex) -> tuple[Rows, Doubles]:
        """Return the nearest live rows of all rows and their distances, shapes (n + m, 3).

        Lists of fewer rows, and those of dead rows, end with -1 and infinity.
        """
        rows = np.full((len(self._places), DEGREE), -1)
        distances = np.full((len(self._places), DEGREE), np.inf)
        sealed, patched = np.flatnonzero(self._places == _SEALED), self._places >= 0
        rows[sealed], distances[sealed] = self.sealed.rows[sealed], self.sealed.distances[sealed]
        rows[patched] = self._rows.values[self._places[patched]]
        distances[patched] = self._distances.values[self._places[patched]]
        for row in np.flatnonzero((self._places == _UNKNOWN) & index.live).tolist():
            found = self.neighbors(index, row)
            rows[row, : len(found.rows)] = found.rows
            distances[row, : len(found.rows)] = found.distances
        rows[~index.live], distances[~index.live] = -1, np.inf
        return rows, distances

    def with_changes(
        self, index: LiveIndex, appeared: Rows, gone: Rows, altered: Rows, revision: int
    ) -> "LiveGraph":
        """Return the graph of `index`, which has other live rows than this graph.

        The rows `appeared` were added or are live again, the rows `gone` are dead, and the rows
        `altered` have other records. `revision` is the stamp of the changed lists.
        """
        if not len(appeared) and not len(gone) and not len(altered):
            return self
        draft = _Draft(self, len(index))
        draft.settle(self._searched.copy())
        draft.stamp(_mask(len(index), altered))
        draft.forget(draft.listing(_mask(len(index), gone)))
        draft.forget(_mask(len(index), np.concatenate([gone, appeared])))
        if len(appeared):
            draft.insert(index, appeared)
        draft.stamps[draft.changed | (draft.places == _UNKNOWN)] = revision
        return draft.graph()


class _Draft:
    """Graph that is being changed."""

    def __init__(self, graph: LiveGraph, count: int) -> None:
        self._before = graph
        new = count - len(graph.stamps)
        self.stamps = np.pad(graph.stamps, (0, new))
        self.last = np.pad(graph._last, (0, new), constant_values=np.nan)
        self.places = np.pad(graph._places, (0, new), constant_values=_UNKNOWN)
        self.rows, self.distances, self.exact = graph._rows, graph._distances, graph._exact
        self.changed: Mask = np.zeros(count, np.bool_)

    def graph(self) -> LiveGraph:
        """Return the graph."""
        return replace(
            self._before,
            stamps=self.stamps,
            _last=self.last,
            _places=self.places,
            _rows=self.rows,
            _distances=self.distances,
            _exact=self.exact,
            _searched={},
        )

    def settle(self, searched: dict[int, Neighbors]) -> None:
        """Store lists that were searched."""
        owners = np.array([*searched], np.int64)
        rows = np.full((len(owners), DEGREE), -1)
        distances = np.full((len(owners), DEGREE), np.inf)
        for number, found in enumerate(searched.values()):
            rows[number, : len(found.rows)] = found.rows
            distances[number, : len(found.rows)] = found.distances
        self._put(owners, rows, distances, np.ones(len(owners), np.bool_))

    def forget(self, chosen: Mask) -> None:
        """Mark lists of rows, a mask of shape (n + m,), as unknown."""
        self.places[chosen] = _UNKNOWN
        self.last[chosen] = np.nan

    def stamp(self, altered: Mask) -> None:
        """Mark rows and those that list them as changed."""
        if altered.any():
            self.changed |= altered | self.listing(altered)

    def listing(self, chosen: Mask) -> Mask:
        """Return a mask of the rows whose list contains one of the chosen rows."""
        found: Mask = np.zeros(len(self.places), np.bool_)
        if not chosen.any():
            return found
        # The row -1 of an incomplete list is the last one of the mask.
        chosen = np.append(chosen, np.False_)
        sealed = self._before.sealed.rows
        found[: len(sealed)] = chosen[sealed].any(axis=1) & (self.places[: len(sealed)] == _SEALED)
        patched = np.flatnonzero(self.places >= 0)
        found[patched] = chosen[self.rows.values[self.places[patched]]].any(axis=1)
        return found

    def insert(self, index: LiveIndex, appeared: Rows) -> None:
        """Insert rows into the lists to which they belong."""
        pairs = [
            _near_pairs(index, block, appeared, self.last[block])
            for block in _blocks(index, len(appeared))
        ]
        fresh, old = (np.concatenate(each) for each in zip(*pairs, strict=True))
        owners, numbers = np.unique(old, return_inverse=True)
        rows, distances, exact = self._lists(owners)
        apart = _distances(index, fresh, old)
        new_rows, new_distances = _merge(index, rows, distances, numbers, fresh, apart)
        other = (new_rows != rows).any(axis=1)
        self._put(owners[other], new_rows[other], new_distances[other], exact[other])
        self.changed[owners[other]] = True

    def _lists(self, owners: Rows) -> tuple[Rows, Doubles, Mask]:
        places, sealed = self.places[owners], self._before.sealed
        patched = places >= 0
        rows = np.empty((len(owners), DEGREE), np.int64)
        distances = np.empty((len(owners), DEGREE))
        exact: Mask = np.full(len(owners), sealed.exact)
        rows[~patched] = sealed.rows[owners[~patched]]
        distances[~patched] = sealed.distances[owners[~patched]]
        rows[patched] = self.rows.values[places[patched]]
        distances[patched] = self.distances.values[places[patched]]
        exact[patched] = self.exact.values[places[patched]]
        return rows, distances, exact

    def _put(self, owners: Rows, rows: Rows, distances: Doubles, exact: Mask) -> None:
        self.places[owners] = len(self.rows) + np.arange(len(owners))
        self.last[owners] = distances[:, -1]
        self.rows = self.rows.extended(rows)
        self.distances = self.distances.extended(distances)
        self.exact = self.exact.extended(exact)


def _mask(count: int, rows: Rows) -> Mask:
    mask: Mask = np.zeros(count, np.bool_)
    mask[rows] = True
    return mask


def _blocks(index: LiveIndex, columns: int) -> Iterator[slice]:
    """Yield all rows in blocks, each in the base or among the added rows."""
    size = max(1, _SQUARED_AT_ONCE // columns)
    base = len(index.ids)
    for first, end in ((0, base), (base, len(index))):
        for start in range(first, end, size):
            yield slice(start, min(start + size, end))


def _near_pairs(index: LiveIndex, block: slice, appeared: Rows, last: Floats) -> tuple[Rows, Rows]:
    """Return pairs of an appeared row and a row of a block whose list it may belong to.

    `last` has the distances of the last listed rows of the block.
    """
    if np.isnan(last).all():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    queries, vectors = index.embeddings[appeared], index.embeddings.block(block)
    limits = last**2 * (1 + 3 * ROUNDING)
    if len(queries) == 1:
        squared = squared_distances(queries[0], vectors)[np.newaxis]
    else:
        squared, norm = _products(queries, vectors)
        # The error of a product is relative to the norms. A row within its limit of a query has at
        # most the norm of the query and the limit.
        unit = vectors.shape[1] * float(np.finfo(np.float32).eps)
        limits += 2 * unit * (norm**2 + (norm + last) ** 2)
    # NaN, the limit of an unknown list, is below no distance.
    numbers, rows = np.nonzero(squared <= limits)
    return appeared[numbers], rows + block.start


def _products(queries: Floats, vectors: Floats) -> tuple[Floats, float]:
    """Return squared distances of b queries to n vectors, shape (b, n), by a matrix product.

    The second value is the largest norm of a query.
    """
    norms = np.einsum("ij,ij->i", queries, queries)
    squared = (-2 * queries) @ vectors.T
    squared += norms[:, np.newaxis]
    squared += np.einsum("ij,ij->i", vectors, vectors)
    return squared, float(np.sqrt(norms.max()))


def _distances(index: LiveIndex, rows: Rows, others: Rows) -> Doubles:
    """Return the distances of rows to other rows, pair by pair."""
    distances = np.empty(len(rows))
    for start in range(0, len(rows), _PAIRS_AT_ONCE):
        block = slice(start, start + _PAIRS_AT_ONCE)
        queries, vectors = index.embeddings[rows[block]], index.embeddings[others[block]]
        distances[block] = exact_distances(queries, vectors)
    return distances


def _merge(
    index: LiveIndex, rows: Rows, distances: Doubles, owners: Rows, fresh: Rows, apart: Doubles
) -> tuple[Rows, Doubles]:
    """Return lists, both of shape (u, 3), after the insertion of rows.

    Of each inserted row, `owners` has the number of the list and `apart` the distance.
    """
    owners = np.concatenate([np.repeat(np.arange(len(rows)), DEGREE), owners])
    rows, distances = np.append(rows, fresh), np.append(distances, apart)
    distinct, places = np.unique(rows, return_inverse=True)
    ranks = rank_ids([index.id_of(row) for row in distinct.tolist()])[places]
    order = np.lexsort((ranks, distances, owners))
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    nearest = order[starts[:, np.newaxis] + np.arange(DEGREE)]
    return rows[nearest], distances[nearest]
