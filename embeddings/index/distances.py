"""Distances of embeddings: fast in single precision, exact in double precision."""

import faiss
import numpy as np

from embeddings.arrays import Doubles, Floats, Rows

ROUNDING = 1e-4
"""Relative bound of the rounding error of squared distances in single precision."""

SPARE = 8
"""Additional candidates, so that double-precision reranking resolves rounding and ties."""


def squared_distances(query: Floats, vectors: Floats) -> Floats:
    """Return squared distances of a query to vectors of shape (n, dimension), shape (n,)."""
    squared = np.empty(len(vectors), np.float32)
    # Unlike other functions of FAISS, this one starts no threads, which takes milliseconds if all
    # CPUs are busy.
    pointers = (faiss.swig_ptr(each) for each in (squared, query, vectors))
    faiss.fvec_L2sqr_ny(*pointers, vectors.shape[1], len(vectors))
    return squared


def exact_distances(queries: Floats, vectors: Floats) -> Doubles:
    """Return Euclidean distances, not squared, of rows to rows, shape (n,).

    Both have shape (n, dimension), or one of them (dimension,).
    """
    difference = np.subtract(vectors, queries, dtype=np.float64)
    return np.asarray(np.linalg.norm(difference, axis=1))


def rerank(query: Floats, embeddings: Floats, rows: Rows, k: int) -> tuple[Rows, Doubles]:
    """Return the `k` nearest of these rows and their distances, computed in double precision.

    They are ordered by distance, then by row.
    """
    return rank(query, rows, embeddings[rows], k)


def rank(query: Floats, rows: Rows, vectors: Floats, k: int) -> tuple[Rows, Doubles]:
    """Do the same as `rerank`, given the embeddings of these rows, shape (r, dimension)."""
    distances = exact_distances(query, vectors)
    order = np.lexsort((rows, distances))[:k]
    return rows[order], distances[order]
