"""Exact index: Euclidean distances to all embeddings."""

from pathlib import Path

import faiss
import numpy as np

from embeddings.arrays import Floats, Mask, Rows
from embeddings.index import IndexContents, Neighbors, SealedIndex, validate_query
from embeddings.index.distances import ROUNDING, SPARE, rerank
from embeddings.index.faiss_threads import respect_thread_limit
from embeddings.settings import IndexSettings

LEAST_ELIGIBLE = 0.9
"""Share of eligible rows below which an approximate index would miss many of them."""


class FlatKind:
    """Kind `flat`, which has no files: it searches the embeddings of the release."""

    def __init__(self, settings: IndexSettings) -> None:
        del settings

    def build(self, draft: Path, contents: IndexContents) -> SealedIndex:
        """Implement `IndexKind.build`."""
        return SealedIndex(kind="flat", exact=True, recall=1.0)

    def open(self, folder: Path, sealed: SealedIndex, contents: IndexContents) -> "FlatIndex":
        """Implement `IndexKind.open`."""
        return FlatIndex(contents.embeddings)

    def discard(self, sealed: SealedIndex) -> None:
        """Implement `IndexKind.discard`."""


class FlatIndex:
    """Exact search over embeddings of shape (n, dimension), float32, which are not copied.

    FAISS finds candidates; they are reranked by distances in double precision, so that the order
    does not depend on single-precision rounding.
    """

    def __init__(self, embeddings: Floats) -> None:
        self._embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)

    def __len__(self) -> int:
        return len(self._embeddings)

    def search(
        self,
        query: Floats,
        k: int,
        *,
        exclude: int | None = None,
        among: Mask | None = None,
        exact: bool = True,
    ) -> Neighbors:
        """Implement `VectorIndex.search`."""
        query = validate_query(query, k, self._embeddings)
        mask = eligible_rows(len(self), exclude, among)
        eligible = len(self) if mask is None else int(mask.sum())
        if eligible == 0:
            return Neighbors.none()
        return self._search(query, min(k, eligible), mask, eligible)

    def close(self) -> None:
        """Implement `VectorIndex.close`."""

    def _search(self, query: Floats, k: int, mask: Mask | None, eligible: int) -> Neighbors:
        """Increase the number of candidates until no other row can be among the nearest."""
        selector = None if mask is None else row_selector(mask)
        candidates = k + SPARE
        while True:
            candidates = min(candidates, eligible)
            squared, found = self._candidates(query, candidates, selector)
            rows, distances = rerank(query, self._embeddings, found, k)
            horizon = float(np.sqrt(squared[-1] * (1 - ROUNDING)))
            if candidates == eligible or distances[-1] < horizon:
                return Neighbors(rows, distances)
            candidates *= 4

    def _candidates(
        self, query: Floats, count: int, selector: faiss.IDSelector | None
    ) -> tuple[Floats, Rows]:
        """Return squared distances in single precision and rows, both of shape (count,)."""
        squared, rows = np.empty(count, np.float32), np.empty(count, np.int64)
        vectors = self._embeddings
        inputs = (faiss.swig_ptr(query), faiss.swig_ptr(vectors), vectors.shape[1], 1, len(vectors))
        outputs = (faiss.swig_ptr(squared), faiss.swig_ptr(rows))
        respect_thread_limit()
        faiss.knn_L2sqr(*inputs, count, *outputs, None, selector)
        return squared, rows


def eligible_rows(count: int, exclude: int | None, among: Mask | None) -> Mask | None:
    """Return the mask of eligible rows; None selects all rows and avoids the lookup."""
    if exclude is None:
        return among
    mask = np.ones(count, dtype=np.bool_) if among is None else among.copy()
    mask[exclude] = False
    return mask


def selects_few(among: Mask | None) -> bool:
    """Return True if a mask selects so few rows that an approximate index compares all of them."""
    return among is not None and bool(np.count_nonzero(among) < LEAST_ELIGIBLE * len(among))


def row_selector(mask: Mask) -> faiss.IDSelector:
    """Return a selector of the rows of a mask for a search of FAISS."""
    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
