"""Exact index that first compares compressed embeddings: 16 or 8 bits for each component.

The distance to a compressed embedding differs from the true one by at most the length of the
difference of the two (triangle inequality). The largest such length is measured at publishing, so
that rows farther than the candidates by more than it cannot be among the nearest.
"""

from pathlib import Path

import faiss
import numpy as np

from embeddings.arrays import Floats, Mask, Rows
from embeddings.index import IndexContents, Neighbors, SealedIndex, VectorIndex, validate_query
from embeddings.index.distances import ROUNDING, exact_distances, rerank
from embeddings.index.faiss_threads import respect_thread_limit
from embeddings.index.flat import FlatIndex, eligible_rows, row_selector
from embeddings.settings import IndexSettings

_CODES = "codes.faiss"
_ERROR = "error"

_SPARE = 32
"""Additional candidates of the first search."""

_GROWTH = 4
_MOST_CANDIDATES = 0.05
"""Share of the eligible rows above which a search of all embeddings is faster."""

_BLOCK = 65_536


class CompressedKind:
    """Kinds `flat-f16` and `flat-int8`."""

    def __init__(self, name: str, quantizer: int) -> None:
        self._name, self._quantizer = name, quantizer

    def build(self, draft: Path, contents: IndexContents) -> SealedIndex:
        """Implement `IndexKind.build`."""
        embeddings = contents.embeddings
        codes = faiss.IndexScalarQuantizer(embeddings.shape[1], self._quantizer)
        respect_thread_limit()
        codes.train(embeddings)
        for start in range(0, len(embeddings), _BLOCK):
            codes.add(embeddings[start : start + _BLOCK])
        faiss.write_index(codes, str(draft / _CODES))
        error = _largest_error(codes, embeddings)
        return SealedIndex(kind=self._name, exact=True, recall=1.0, parameters={_ERROR: error})

    def open(self, folder: Path, sealed: SealedIndex, contents: IndexContents) -> VectorIndex:
        """Implement `IndexKind.open`."""
        codes = faiss.read_index(str(folder / _CODES), faiss.IO_FLAG_MMAP_IFC)
        error = float(sealed.parameters[_ERROR])
        return CompressedIndex(self._name, contents.embeddings, codes, error)

    def discard(self, sealed: SealedIndex) -> None:
        """Implement `IndexKind.discard`."""


def half_kind(settings: IndexSettings) -> CompressedKind:
    """Return the kind `flat-f16`: 16-bit floating-point numbers."""
    del settings
    return CompressedKind("flat-f16", faiss.ScalarQuantizer.QT_fp16)


def byte_kind(settings: IndexSettings) -> CompressedKind:
    """Return the kind `flat-int8`: 256 steps between the least and largest value of a component."""
    del settings
    return CompressedKind("flat-int8", faiss.ScalarQuantizer.QT_8bit)


class CompressedIndex:
    """Exact search over embeddings of shape (n, dimension), float32, by their codes."""

    def __init__(
        self, kind: str, embeddings: Floats, codes: faiss.IndexScalarQuantizer, error: float
    ) -> None:
        self._kind = kind
        self._embeddings = embeddings
        self._codes = codes
        self._error = error
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
        exact: bool = True,
    ) -> Neighbors:
        """Implement `VectorIndex.search`."""
        query = validate_query(query, k, self._embeddings)
        mask = eligible_rows(len(self), exclude, among)
        eligible = len(self) if mask is None else int(mask.sum())
        parameters = faiss.SearchParameters() if mask is None else _selecting(mask)
        candidates = k + _SPARE
        while candidates <= _MOST_CANDIDATES * eligible:
            rows, horizon = self._candidates(query, candidates, parameters)
            rows, distances = rerank(query, self._embeddings, rows, k)
            if distances[-1] < horizon:
                return Neighbors(rows, distances, self._kind)
            candidates *= _GROWTH
        found = self._flat.search(query, k, among=mask)
        return Neighbors(found.rows, found.distances, self._kind)

    def close(self) -> None:
        """Implement `VectorIndex.close`."""

    def _candidates(
        self, query: Floats, count: int, parameters: faiss.SearchParameters
    ) -> tuple[Rows, float]:
        """Return the rows with the nearest codes, and a distance that all other rows exceed."""
        respect_thread_limit()
        squared, found = self._codes.search(query[None], count, params=parameters)
        return found[0], float(np.sqrt(squared[0, -1] * (1 - ROUNDING))) - self._error


def _selecting(mask: Mask) -> faiss.SearchParameters:
    return faiss.SearchParameters(sel=row_selector(mask))


def _largest_error(codes: faiss.IndexScalarQuantizer, embeddings: Floats) -> float:
    """Return a bound of the distance of an embedding to the one that its code stands for."""
    largest = norm = 0.0
    for start in range(0, len(embeddings), _BLOCK):
        block = embeddings[start : start + _BLOCK]
        decoded = codes.reconstruct_n(start, len(block))
        largest = max(largest, float(exact_distances(block, decoded).max()))
        norm = max(norm, float(np.linalg.norm(decoded, axis=1).max()))
    # Codes are decoded in single precision, with another order of operations in a search.
    rounding = 4 * float(np.finfo(np.float32).eps) * norm
    # A component above the range of 16 bits is infinite.
    return float(np.nan_to_num(largest * (1 + ROUNDING) + rounding))
