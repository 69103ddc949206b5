"""Search that the approximate kinds of index share: their own, or exact search if it is better."""

from embeddings.arrays import Floats, Mask
from embeddings.index import Neighbors, validate_query
from embeddings.index.flat import FlatIndex, selects_few

MOST = 100
"""Largest k of an approximate search; for larger k, exact search is hardly slower."""

_ROWS_PER_NEIGHBOUR = 4


def most_in_clusters(count: int, clusters: int) -> int:
    """Return the largest k of a search in the nearest of the clusters of a collection.

    The number of searched clusters is measured for few neighbours. The nearest of many neighbours
    are spread over more clusters, unless a cluster is several times as large as k.
    """
    return min(MOST, count // (_ROWS_PER_NEIGHBOUR * clusters))


class ApproximateIndex:
    """Approximate search over embeddings of shape (n, dimension), float32.

    Searches with a strict filter, searches for many neighbours and queries for which the kind finds
    too few use exact search, and their result is marked as exact.
    """

    def __init__(self, embeddings: Floats, most: int) -> None:
        """Search the embeddings; `most` is the largest k of an approximate search."""
        self._embeddings = embeddings
        self._most = most
        self._flat = FlatIndex(embeddings)

    def __len__(self) -> int:
        return len(self._embeddings)

    def search(
        self,
        query: Floats,
        k: int,
        *,
        exclude: int | None = None,
        among: Mask | None = None,
        exact: bool = False,
    ) -> Neighbors:
        """Implement `VectorIndex.search`."""
        query = validate_query(query, k, self._embeddings)
        if not (exact or selects_few(among) or k > self._most):
            found = self._find(query, k, exclude, among)
            if found is not None:
                return found
        return self._flat.search(query, k, exclude=exclude, among=among)

    def close(self) -> None:
        """Implement `VectorIndex.close`."""

    def _find(
        self, query: Floats, k: int, exclude: int | None, among: Mask | None
    ) -> Neighbors | None:
        """Return the nearest eligible rows; None if fewer than `k` are found."""
        raise NotImplementedError
