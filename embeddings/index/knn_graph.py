"""The neighbour graph: the nearest photographs of every photograph, found once at publishing."""

from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Rows
from embeddings.index import Neighbors
from embeddings.index.flat import FlatIndex

DEGREE = 3
"""Neighbours kept of each photograph; fewer where there are no more."""


@dataclass(frozen=True)
class NeighborGraph:
    """The nearest rows of every row, itself left out, nearest first."""

    rows: Rows
    """Shape (n, degree): row numbers."""
    distances: Doubles
    """Shape (n, degree): Euclidean distances."""

    def of(self, row: int) -> Neighbors:
        """The nearest rows of one row."""
        return Neighbors(self.rows[row], self.distances[row])


def build_neighbor_graph(index: FlatIndex) -> NeighborGraph:
    """Search the neighbours of every row of an index."""
    found = [
        index.search(embedding, DEGREE, exclude=row)
        for row, embedding in enumerate(index.embeddings)
    ]
    return NeighborGraph(
        np.stack([each.rows for each in found]), np.stack([each.distances for each in found])
    )
