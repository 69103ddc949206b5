"""Live index: a sealed base of any kind, and exact changes in front of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from embeddings.arrays import Floats, Mask, Rows
from embeddings.index import Neighbors, VectorIndex, validate_query
from embeddings.index.distances import ROUNDING, exact_distances
from embeddings.index.growing_array import GrowingArray
from embeddings.index.id_order import rank_ids
from embeddings.index.projected_rows import ProjectedRows


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
            rows, row = (self.base, row) if row < count else (self.added, row - count)
            embedding: Floats = rows[row]
            return embedding
        chosen: Floats = np.empty((len(row), self.base.shape[1]), np.float32)
        added = row >= count
        chosen[~added] = self.base[row[~added]]
        chosen[added] = self.added[row[added] - count]
        return chosen

    def block(self, rows: slice) -> Floats:
        """Return rows that are all in the base or all added, without a copy."""
        count = len(self.base)
        if rows.start < count:
            return self.base[rows]
        return self.added[rows.start - count : rows.stop - count]


@dataclass(frozen=True)
class LiveIndex:
    """Search over the live rows of a base and of changes; implements `VectorIndex`.

    Rows 0 to n-1 are those of the base, rows n to n+m-1 were added later, in the order of their
    arrival. A row keeps its number. An index never changes: `with_changes` returns another one,
    which shares the memory of the embeddings.
    """

    base: VectorIndex
    ids: Sequence[str]
    """Ids of the base in ascending order, shape (n,)."""
    live: Mask
    """Shape (n + m,): false for deleted and replaced rows."""
    _base_embeddings: Floats
    """Shape (n, dimension)."""
    _base_live: Mask | None
    """Mask of the base; None if all of its rows are live."""
    _added_ids: "GrowingArray[np.object_]"
    _added: ProjectedRows

    @classmethod
    def of(cls, base: VectorIndex, ids: Sequence[str], embeddings: Floats) -> "LiveIndex":
        """Return an index without changes over a base with these ids and embeddings."""
        return cls(
            base=base,
            ids=ids,
            live=np.ones(len(ids), np.bool_),
            _base_embeddings=embeddings,
            _base_live=None,
            _added_ids=GrowingArray.empty(np.object_),
            _added=ProjectedRows.empty(embeddings),
        )

    def __len__(self) -> int:
        return len(self.live)

    @property
    def embeddings(self) -> LiveRows:
        """Embeddings of all rows, live or not."""
        return LiveRows(self._base_embeddings, self._added.embeddings)

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
        if not len(added_ids) and not len(dead_rows) and not len(revived_rows):
            return self
        live = np.concatenate([self.live, np.ones(len(added_ids), np.bool_)])
        live[dead_rows] = False
        live[revived_rows] = True
        base_live = live[: len(self.ids)]
        index = replace(self, live=live, _base_live=None if base_live.all() else base_live)
        if not len(added_ids):
            return index
        return replace(
            index,
            _added_ids=self._added_ids.extended(added_ids),
            _added=self._added.extended(added_embeddings),
        )

    def close(self) -> None:
        """Implement `VectorIndex.close`."""
        self.base.close()

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
        query = validate_query(query, k, self._base_embeddings)
        count = len(self.ids)
        eligible = self._base_live
        if among is not None:
            eligible = among[:count] if eligible is None else among[:count] & eligible
        inside = exclude is not None and exclude < count
        near = self.base.search(
            query, k, exclude=exclude if inside else None, among=eligible, exact=exact
        )
        if len(self) == count:
            return near
        horizon = float(near.distances[-1]) if len(near.rows) == k else np.inf
        rows = self._search_added(query, k, exclude, among, horizon)
        return self._merge(query, k, near, rows) if len(rows) else near

    def _search_added(
        self, query: Floats, k: int, exclude: int | None, among: Mask | None, horizon: float
    ) -> Rows:
        """Return the added rows that can be among the `k` nearest.

        `horizon` is the distance of the `k`-th nearest row of the base, or infinity.
        """
        count = len(self.ids)
        eligible = self.live[count:] if among is None else self.live[count:] & among[count:]
        rows, squared = self._added.near(query, horizon)
        chosen = eligible[rows]
        rows, squared = rows[chosen], squared[chosen]
        if exclude is not None and exclude >= count:
            other = rows != exclude - count
            rows, squared = rows[other], squared[other]
        if k < len(rows):
            limit = float(np.partition(squared, k - 1)[k - 1])
            rows = rows[squared <= limit * (1 + 3 * ROUNDING)]
        return rows + count

    def _merge(self, query: Floats, k: int, near: Neighbors, rows: Rows) -> Neighbors:
        distances = exact_distances(query, self._added.embeddings[rows - len(self.ids)])
        rows = np.append(near.rows, rows)
        distances = np.append(near.distances, distances)
        ranks = rank_ids([self.id_of(row) for row in rows.tolist()])
        order = np.lexsort((ranks, distances))[:k]
        return Neighbors(rows[order], distances[order], near.kind, near.exact)
