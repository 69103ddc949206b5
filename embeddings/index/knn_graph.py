"""k-nearest-neighbour graph of all embeddings, computed at publishing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Floats, Rows
from embeddings.index import Neighbors
from embeddings.index.blocks import BlockSearch, NearestRows
from embeddings.index.clusters import LEAST_RECALL, measure_recall, search_approximately

DEGREE = 3
"""Neighbours of each image; fewer in a collection with fewer other images."""

MOST_EXACT = 50_000
"""Largest number of images that are all compared with each other."""

_MOST_SEARCHED_AGAIN = 0.02
"""Share of a larger collection above which a new approximate search is faster than an update."""


@dataclass(frozen=True)
class NeighborGraph:
    """Nearest rows of every row, without itself, in ascending order of distance."""

    rows: Rows
    """Shape (n, degree): row numbers."""
    distances: Doubles
    """Shape (n, degree): Euclidean distances."""
    exact: bool = True
    """True if every row was compared with all others."""
    recall: float = 1.0
    """Share of the true nearest rows that the graph contains, 0-1, measured on a sample."""

    def of(self, row: int) -> Neighbors:
        """Return the nearest rows of one row."""
        kind = "flat" if self.exact else "ivf"
        return Neighbors(self.rows[row], self.distances[row], kind, self.exact)


def build_neighbor_graph(search: BlockSearch, most_exact: int = MOST_EXACT) -> NeighborGraph:
    """Search the nearest neighbours of every row.

    Above `most_exact` rows the search is approximate.
    """
    degree = _degree(search)
    if len(search) <= most_exact:
        found = search.nearest(search.all_rows, search.all_rows, degree)
        return NeighborGraph(found.rows, found.distances)
    found, recall = search_approximately(search, search.all_rows, degree)
    return NeighborGraph(found.rows, found.distances, exact=False, recall=recall)


def update_neighbor_graph(
    search: BlockSearch, previous: NeighborGraph, origin: Rows, most_exact: int = MOST_EXACT
) -> NeighborGraph:
    """Return the graph of `build_neighbor_graph`, given that of a previous state of the rows.

    `origin` has shape (n,): the previous number of each row, -1 if it is new or its embedding
    changed. Only these rows are searched, those that lost a neighbour, and, among the new rows
    alone, all others.
    """
    fresh, kept = np.flatnonzero(origin < 0), np.flatnonzero(origin >= 0)
    known = _renumber(previous, origin)[origin[kept]]
    lost = (known < 0).any(axis=1)
    again = np.concatenate([fresh, kept[lost]])
    many = len(search) > most_exact and len(again) > _MOST_SEARCHED_AGAIN * len(search)
    if many or not len(kept) or previous.rows.shape[1] != _degree(search):
        return build_neighbor_graph(search, most_exact)
    if not previous.exact and len(search) <= most_exact:
        return build_neighbor_graph(search, most_exact)
    found = NearestRows.missing(len(search), _degree(search))
    found.put(again, search.nearest(again, search.all_rows, _degree(search)))
    stayed = kept[~lost]
    found.put(stayed, NearestRows(known[~lost], previous.distances[origin[stayed]]))
    if len(fresh):
        _insert(search, found, stayed, fresh)
    if previous.exact:
        return NeighborGraph(found.rows, found.distances)
    recall = measure_recall(search, found)
    if recall < LEAST_RECALL:
        return build_neighbor_graph(search, most_exact)
    return NeighborGraph(found.rows, found.distances, exact=False, recall=recall)


def match_rows(
    ids: Sequence[str], embeddings: Floats, previous_ids: Sequence[str], previous: Floats
) -> Rows:
    """Return the previous row of each id whose embedding is equal; -1 if there is none.

    `embeddings` has shape (n, dimension) and `previous` shape (m, dimension).
    """
    numbers = {identifier: row for row, identifier in enumerate(previous_ids)}
    origin = np.array([numbers.get(identifier, -1) for identifier in ids], np.int64)
    if embeddings.shape[1:] != previous.shape[1:]:
        return np.full(len(ids), -1, np.int64)
    kept = np.flatnonzero(origin >= 0)
    changed = (embeddings[kept] != previous[origin[kept]]).any(axis=1)
    origin[kept[changed]] = -1
    return origin


def _degree(search: BlockSearch) -> int:
    return min(DEGREE, len(search) - 1)


def _renumber(previous: NeighborGraph, origin: Rows) -> Rows:
    """Return the rows of the previous graph by their new numbers; -1 for a row without one."""
    kept = np.flatnonzero(origin >= 0)
    numbers = np.full(len(previous.rows), -1, np.int64)
    numbers[origin[kept]] = kept
    return numbers[previous.rows]


def _insert(search: BlockSearch, found: NearestRows, rows: Rows, fresh: Rows) -> None:
    """Insert new rows into the neighbours of these rows if they are as near as the last one."""
    near = search.nearest(rows, fresh, found.rows.shape[1])
    nearer = near.distances[:, 0] <= found.distances[rows, -1]
    rows = rows[nearer]
    candidates = np.concatenate([found.rows[rows], near.rows[nearer]], axis=1)
    found.put(rows, search.rank(rows, candidates, found.rows.shape[1]))
