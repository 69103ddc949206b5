"""k-nearest-neighbour graph of all embeddings, computed once at publishing."""

from dataclasses import dataclass

import numpy as np

from embeddings.arrays import Doubles, Rows
from embeddings.index import Neighbors
from embeddings.index.flat import FlatIndex

DEGREE = 3
"""Neighbours of each image; fewer in a collection with fewer other images."""


@dataclass(frozen=True)
class NeighborGraph:
    """Nearest rows of every row, without itself, in ascending order of distance."""

    rows: Rows
    """Shape (n, degree): row numbers."""
    distances: Doubles
    """Shape (n, degree): Euclidean distances."""

    def of(self, row: int) -> Neighbors:
        """Return the nearest rows of one row."""
        return Neighbors(self.rows[row], self.distances[row])


def build_neighbor_graph(index: FlatIndex) -> NeighborGraph:
    """Search the nearest neighbours of every row of an index."""
    found = [
        index.search(embedding, DEGREE, exclude=row)
        for row, embedding in enumerate(index.embeddings)
    ]
    return NeighborGraph(
        np.stack([each.rows for each in found]), np.stack([each.distances for each in found])
    )
