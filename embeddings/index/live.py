"""Live index: a sealed base of any kind, and exact changes in front of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import faiss
import numpy as np

from embeddings.arrays import Doubles, Floats, Mask, Rows
from embeddings.index import Neighbors, VectorIndex, validate_query
from embeddings.index.flat import ROUNDING, rank_ids
from embeddings.index.growing_array import GrowingArray


@dataclass(frozen=True)
class LiveRows:
    """Embeddings of shape (n + m, dimension): those of the base, then the added ones.

    They are read by row and never copied as a whole.
    """

    base: Floats
    added: Floats

    def __len__(self) -> int:
        return len(self.base) + len(self.added)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (n + m, dimension)."""
        return len(self), self.base.shape[1]

    def __getitem__(self, row: "int | Rows") -> Floats:
        count = len(self.base)
        if not isinstance(row, np.ndarray):
            embedding: Floats = self.base[row] if row < count else self.added[row - count]
            return embedding
        chosen = np.empty((len(row), self.base.shape[1]), np.float32)
        added = row >= count
        chosen[~added] = self.base[row[~added]]
        chosen[added] = self.added[row[added] - count]
        return chosen


@dataclass(frozen=True)
class LiveIndex:
    """Search over the live rows of a base and of changes; implements `VectorIndex`.

    Rows 0 to n-1 are those of the base, rows n to n+m-1 were added later, in the order of their
    arrival. A row keeps its number. An index never changes: `with_changes` returns another one,
    which shares the memory of the embeddings.
    """

    base: VectorIndex
    ids: Sequence[str]
    """Ids of the base, shape (n,)."""
    base_embeddings: Floats
    """Shape (n, dimension)."""
    live: Mask
    """Shape (n + m,): false for deleted and replaced rows."""
    _added_ids: "GrowingArray[np.object_]"
    _added: "GrowingArray[np.float32]"
    _base_live: Mask | None
    """Mask of the base; None if all of its rows are live."""

    @classmethod
    def of(cls, base: VectorIndex, ids: Sequence[str], embeddings: Floats) -> "LiveIndex":
        """Return an index without changes over a base with these ids and embeddings."""
        return cls(
            base=base,
            ids=ids,
            base_embeddings=embeddings,
            live=np.ones(len(ids), np.bool_),
            _added_ids=GrowingArray.empty(np.object_),
            _added=GrowingArray.empty(np.float32, embeddings.shape[1:]),
            _base_live=None,
        )

    def __len__(self) -> int:
        return len(self.live)

    @property
    def embeddings(self) -> LiveRows:
        """Embeddings of all rows, live or not."""
        return LiveRows(self.base_embeddings, self._added.values)

    def embedding(self, row: int) -> Floats:
        """Return the embedding of a row, shape (dimension,)."""
        return self.embeddings[row]

    def id_of(self, row: int) -> str:
        """Return the id of a row, live or not."""
        count = len(self.ids)
        return self.ids[row] if row < count else str(self._added_ids.values[row - count])

    def with_changes(
        self,
        added_ids: Sequence[str],
        added_embeddings: Floats,
        dead_rows: Rows,
        revived_rows: Rows,
    ) -> "LiveIndex":
        """Return an index with more rows, all live, and with other rows dead or live.

        `added_embeddings` has shape (len(added_ids), dimension).
        """
        live = np.concatenate([self.live, np.ones(len(added_ids), np.bool_)])
        live[dead_rows] = False
        live[revived_rows] = True
        base_live = live[: len(self.ids)]
        return replace(
            self,
            live=live,
            _added_ids=self._added_ids.extended(added_ids),
            _added=self._added.extended(np.asarray(added_embeddings, np.float32)),
            _base_live=None if base_live.all() else base_live,
        )

    def search(
        self,
        query: Floats,
        k: int,
        *,
        exclude: int | None = None,
        among: Mask | None = None,
        exact: bool = False,
    ) -> Neighbors:
        """Implement `VectorIndex.search`; only live rows are eligible.

        `among` has shape (n + m,).
        """
        query = validate_query(query, k, self.base_embeddings)
        near = self._search_base(query, k, exclude, among, exact)
        horizon = float(near.distances[-1]) if len(near.rows) == k else np.inf
        rows = self._candidates(query, k, exclude, among, horizon)
        return self._merge(query, k, near, rows) if len(rows) else near

    def _search_base(
        self, query: Floats, k: int, exclude: int | None, among: Mask | None, exact: bool
    ) -> Neighbors:
        count = len(self.ids)
        eligible = self._base_live
        if among is not None:
            eligible = among[:count] if eligible is None else among[:count] & eligible
        if exclude is not None and exclude >= count:
            exclude = None
        return self.base.search(query, k, exclude=exclude, among=eligible, exact=exact)

    def _candidates(
        self, query: Floats, k: int, exclude: int | None, among: Mask | None, horizon: float
    ) -> Rows:
        """Return the added rows that can be among the `k` nearest, given those of the base.

        `horizon` is the distance of the `k`-th nearest row of the base, or infinity.
        """
        count = len(self.ids)
        if len(self) == count:
            return np.empty(0, np.int64)
        squared = squared_distances(query, self._added.values)
        eligible = self.live[count:] if among is None else self.live[count:] & among[count:]
        squared[~eligible] = np.inf
        if exclude is not None and exclude >= count:
            squared[exclude - count] = np.inf
        limit = horizon**2
        if k < len(squared):
            limit = min(limit, float(np.partition(squared, k - 1)[k - 1]))
        near = squared <= limit * (1 + 3 * ROUNDING)
        return np.flatnonzero(near & np.isfinite(squared)) + count

    def _merge(self, query: Floats, k: int, near: Neighbors, rows: Rows) -> Neighbors:
        added = self._added.values[rows - len(self.ids)]
        rows = np.concatenate([near.rows, rows])
        distances = np.concatenate([near.distances, exact_distances(query, added)])
        ranks = rank_ids([self.id_of(row) for row in rows.tolist()])
        order = np.lexsort((ranks, distances))[:k]
        return Neighbors(rows[order], distances[order], near.kind)


def squared_distances(query: Floats, vectors: Floats) -> Floats:
    """Return squared distances of a query to vectors of shape (n, dimension), shape (n,).

    Their relative error is below `ROUNDING`.
    """
    squared = np.empty(len(vectors), np.float32)
    pointers = (faiss.swig_ptr(each) for each in (squared, query, vectors))
    faiss.fvec_L2sqr_ny(*pointers, vectors.shape[1], len(vectors))
    return squared


def exact_distances(query: Floats, vectors: Floats) -> Doubles:
    """Return Euclidean distances in double precision, shape (n,)."""
    difference = vectors.astype(np.float64) - query.astype(np.float64)
    return np.asarray(np.linalg.norm(difference, axis=1))
