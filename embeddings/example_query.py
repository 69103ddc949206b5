"""Search by examples: one query from the embeddings of similar and dissimilar images."""

import numpy as np

from embeddings.arrays import Doubles, Floats

REPULSION = 0.5
"""Step away from the counter-examples, as a share of their distance from the examples."""


def query_of_examples(like: Floats, unlike: Floats) -> Floats:
    """Return the query embedding, shape (dimension,), for one or more examples.

    `like` has shape (n, dimension). The query is their mean, moved away from the mean of the
    counter-examples `unlike`, shape (m, dimension), if there are any. Their order has no effect.
    Method: Rocchio 1971.
    """
    query = _mean(like)
    if len(unlike):
        query = query + REPULSION * (query - _mean(unlike))
    return query.astype(np.float32)


def _mean(embeddings: Floats) -> Doubles:
    # A sum is rounded differently in another order.
    mean: Doubles = np.sort(embeddings, axis=0).mean(axis=0, dtype=np.float64)
    return mean
