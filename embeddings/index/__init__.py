"""Vector index: its protocol, and the kinds of index by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
from pydantic import Field

from embeddings.arrays import Doubles, Floats, Mask, Rows
from embeddings.errors import BelvedereError
from embeddings.frozen_model import StrictModel
from embeddings.index_kinds import index_kind, index_kinds
from embeddings.settings import IndexSettings

_LENGTH_BYTES = 8


class IndexUnavailable(BelvedereError):
    """Server of an index that does not answer."""

    retry_after = 5
    """Seconds to wait before the next attempt."""


class UnknownKind(BelvedereError):
    """Kind of index without a package that implements it."""


@dataclass(frozen=True)
class Neighbors:
    """Nearest rows of an index in ascending order of distance; ties are ordered by row."""

    rows: Rows
    """Shape (k,): row numbers."""
    distances: Doubles
    """Shape (k,): Euclidean distances, not squared."""
    kind: str = "flat"
    """Kind of the search that found them; `flat` compares the query with every eligible row."""
    exact: bool = True
    """True if no nearer row can have been missed."""

    @classmethod
    def none(cls, kind: str = "flat") -> "Neighbors":
        """Return the result of a search without eligible rows."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float64), kind)


class VectorIndex(Protocol):
    """Nearest-neighbour index over embeddings of shape (n, dimension)."""

    def __len__(self) -> int: ...

    def search(
        self,
        query: Floats,
        k: int,
        *,
        exclude: int | None = None,
        among: Mask | None = None,
        exact: bool = False,
    ) -> Neighbors:
        """Return the `k` rows nearest to `query` of shape (dimension,), or all rows if fewer.

        `exclude` is a row to leave out (the query itself); `among`, a mask of shape (n,), selects
        the eligible rows. With `exact`, an approximate index compares the query with all of them.
        Raises ValueError if k < 1 or the dimension differs, and `IndexUnavailable`.
        """
        ...

    def close(self) -> None:
        """Free files and connections; no search may follow."""
        ...


def search_despite_outage(
    index: VectorIndex,
    query: Floats,
    k: int,
    *,
    exclude: int | None = None,
    among: Mask | None = None,
    exact: bool = False,
) -> Neighbors:
    """Search as `VectorIndex.search`; if the server of the index does not answer, exactly."""
    try:
        return index.search(query, k, exclude=exclude, among=among, exact=exact)
    except IndexUnavailable:
        return index.search(query, k, exclude=exclude, among=among, exact=True)


@dataclass(frozen=True)
class IndexContents:
    """Embeddings of a release. Its images are ordered by id, so row order is the order of ids."""

    embeddings: Floats
    """Shape (n, dimension), float32, C-contiguous; usually mapped from a file, read-only."""
    digest: str
    """Digest of the ids and embeddings, hexadecimal: equal contents have equal indexes."""

    @classmethod
    def of(cls, ids: Sequence[str], embeddings: Floats) -> "IndexContents":
        """Return contents with their digest; `ids` are in ascending order."""
        embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        digest = sha256(str(embeddings.shape).encode())
        for identifier in ids:
            name = identifier.encode()
            digest.update(len(name).to_bytes(_LENGTH_BYTES, "big") + name)
        digest.update(embeddings.data)
        return cls(embeddings, digest.hexdigest())


class SealedIndex(StrictModel):
    """Index of a release, as built at publishing."""

    kind: str = Field(description="Name of the kind.")
    exact: bool = Field(description="True if every search is exact.")
    recall: float = Field(
        description="Share of the three nearest that a search finds, 0-1, measured on a sample."
    )
    parameters: dict[str, str | int | float] = Field(
        default={}, description="Parameters of the kind, such as the effort of a search."
    )


class IndexKind(Protocol):
    """Kind of vector index: it builds an index at publishing and opens it for searches."""

    def build(self, draft: Path, contents: IndexContents) -> SealedIndex:
        """Build the index and write its files into `draft`, an existing empty folder.

        The folder may stay empty. Raises `IndexUnavailable`.
        """
        ...

    def open(self, folder: Path, sealed: SealedIndex, contents: IndexContents) -> VectorIndex:
        """Open the index whose files are in `folder`, which is missing if there are none.

        The digests of the files were verified. Raises `IndexUnavailable`.
        """
        ...

    def discard(self, sealed: SealedIndex) -> None:
        """Delete what the index has outside its folder, when no release has it any more.

        Raises `IndexUnavailable`.
        """
        ...


def open_kind(name: str, settings: IndexSettings) -> IndexKind:
    """Return a kind of index by name; its module is imported on first use.

    Raises `UnknownKind`.
    """
    found = index_kind(name)
    if found is None:
        raise UnknownKind(
            f"No installed package has the kind of index {name!r}; install it, or run `belvedere "
            f"publish` with BELVEDERE_INDEX set to one of {', '.join(index_kinds())}."
        )
    kind: IndexKind = found.load()(settings)
    return kind


def validate_query(query: Floats, k: int, embeddings: Floats) -> Floats:
    """Return the query as a contiguous float32 array of shape (dimension,).

    Raises ValueError if k < 1 or the dimension differs.
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1 neighbour.")
    query = np.ascontiguousarray(query, dtype=np.float32)
    if query.shape != embeddings.shape[1:]:
        raise ValueError(
            f"The query has shape {query.shape}; the index needs shape {embeddings.shape[1:]}."
        )
    return query
