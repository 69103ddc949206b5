"""Exact nearest neighbours of many rows at once, in blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Rows
from embeddings.index.distances import ROUNDING, SPARE
from embeddings.index.faiss_threads import respect_thread_limit
from embeddings.index.id_order import rank_ids

_QUERIES = 1024
_DIFFERENCES = 4_000_000
"""Largest number of differences of coordinates in memory at once."""


@dataclass(frozen=True)
class NearestRows:
    """Nearest rows of m queries in ascending order of distance; ties are ordered by id."""

    rows: Rows
    """Shape (m, k): row numbers; -1 if there are fewer."""
    distances: Doubles
    """Shape (m, k): Euclidean distances; infinity if there are fewer."""

    @classmethod
    def missing(cls, queries: int, k: int) -> "NearestRows":
        """Return arrays without any row."""
        return cls(np.full((queries, k), -1, np.int64), np.full((queries, k), np.inf))

    def take(self, queries: Rows) -> "NearestRows":
        """Return the neighbours of some of the queries."""
        return NearestRows(self.rows[queries], self.distances[queries])

    def put(self, queries: Rows, found: "NearestRows") -> None:
        """Set the neighbours of some of the queries."""
        self.rows[queries], self.distances[queries] = found.rows, found.distances


class BlockSearch:
    """Exact search among embeddings of shape (n, dimension), float32; queries are rows of them.

    Its results equal those of `FlatIndex` bit for bit, but a block of queries is one matrix
    product.
    """

    def __init__(self, ids: Sequence[str], embeddings: Floats) -> None:
        self.embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        self.all_rows: Rows = np.arange(len(self.embeddings))
        """Shape (n,): all row numbers."""
        self._order = rank_ids(ids)

    def __len__(self) -> int:
        return len(self.embeddings)

    def nearest(self, queries: Rows, base: Rows, k: int) -> NearestRows:
        """Return the `k` rows of `base` nearest to each query, without the query itself.

        `queries` has shape (m,) and `base` shape (b,); both contain row numbers.
        """
        found = NearestRows.missing(len(queries), k)
        vectors = self.embeddings[base]
        pending = np.arange(len(queries) if len(base) else 0)
        candidates = k + 1 + SPARE
        while len(pending):
            candidates = min(candidates, len(base))
            proven = [
                self._search(queries, block, base, vectors, candidates, found)
                for block in self._blocks(pending, candidates)
            ]
            pending = pending[~np.concatenate(proven)]
            candidates *= 4
        return found

    def rank(self, queries: Rows, candidates: Rows, k: int) -> NearestRows:
        """Return the `k` nearest of the candidates of each query, by double-precision distance.

        `candidates` has shape (m, c). The query itself and the row -1 are left out.
        """
        found = NearestRows.missing(len(queries), k)
        for block in self._blocks(np.arange(len(queries)), candidates.shape[1]):
            self._rank(queries, block, candidates[block], found)
        return found

    def _search(
        self, queries: Rows, block: Rows, base: Rows, vectors: Floats, candidates: int,
        found: NearestRows,
    ) -> Mask:  # fmt: skip
        """Write the neighbours of a block of queries; return True for those proven exact."""
        respect_thread_limit()
        squared, positions = faiss.knn(self.embeddings[queries[block]], vectors, candidates)
        self._rank(queries, block, base[positions], found)
        if candidates == len(base):
            return np.ones(len(block), np.bool_)
        return self._proven(queries[block], found.distances[block, -1], squared[:, -1])

    def _rank(self, queries: Rows, block: Rows, candidates: Rows, found: NearestRows) -> None:
        queries = queries[block, np.newaxis]
        difference = np.subtract(
            self.embeddings[candidates], self.embeddings[queries], dtype=np.float64
        )
        distances = np.linalg.norm(difference.reshape(candidates.size, -1), axis=1)
        left_out = (candidates == queries) | (candidates < 0)
        distances = np.where(left_out, np.inf, distances.reshape(candidates.shape))
        rows = np.where(left_out, -1, candidates)
        order = np.lexsort((self._order[candidates], distances), axis=-1)
        order = order[:, : found.rows.shape[1]]
        columns = order.shape[1]
        found.rows[block, :columns] = np.take_along_axis(rows, order, axis=1)
        found.distances[block, :columns] = np.take_along_axis(distances, order, axis=1)

    def _proven(self, queries: Rows, farthest: Doubles, horizon: Floats) -> Mask:
        """Return True for each query if no row beyond its candidates can be as near.

        `farthest` is the distance of the last neighbour, `horizon` FAISS' squared distance of the
        last candidate. FAISS computes it from two norms and a product, with an error relative to
        the norms.
        """
        norms = np.linalg.norm(self.embeddings[queries].astype(np.float64), axis=1)
        unit = self.embeddings.shape[1] * float(np.finfo(np.float32).eps)
        # A row as near as `farthest` has at most this norm.
        rounding = unit * (norms**2 + (norms + farthest) ** 2)
        return np.asarray(farthest**2 < horizon * (1 - ROUNDING) - rounding)

    def _blocks(self, rows: Rows, candidates: int) -> Iterator[Rows]:
        size = _DIFFERENCES // (candidates * self.embeddings.shape[1])
        size = min(_QUERIES, max(1, size))
        for start in range(0, len(rows), size):
            yield rows[start : start + size]
