"""Order of ids."""

from collections.abc import Sequence

import numpy as np

from embeddings.arrays import Rows


def rank_ids(ids: Sequence[str]) -> Rows:
    """Return the rank of each id in ascending order, shape (n,)."""
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[np.argsort(np.asarray(ids, dtype=object), kind="stable")] = np.arange(len(ids))
    return ranks
