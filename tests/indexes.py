"""Kinds of vector index in tests: built in a folder and opened, as publishing and serving do."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from embeddings.index import IndexContents, IndexKind, SealedIndex, VectorIndex, open_kind
from embeddings.settings import IndexSettings

EMBEDDED = ("flat", "flat-f16", "flat-int8", "hnsw", "ivf")
"""Kinds that need no server."""


@dataclass(frozen=True)
class Built:
    """Index in a folder of its own."""

    kind: IndexKind
    sealed: SealedIndex
    contents: IndexContents
    folder: Path

    def open(self) -> VectorIndex:
        """Open the index."""
        return self.kind.open(self.folder, self.sealed, self.contents)


Build = Callable[[str], Built]
"""Function that builds the index of a collection of `tests.congruence` by name, once."""


def ids_of(count: int) -> list[str]:
    """Return ids in ascending order."""
    return [f"class/{number:05}" for number in range(count)]


def build(
    kind: str, embeddings: np.ndarray, folder: Path, settings: IndexSettings | None = None
) -> Built:
    """Build an index of a kind in a new folder below `folder`."""
    opened = open_kind(kind, settings or IndexSettings(index=kind))
    contents = IndexContents.of(ids_of(len(embeddings)), embeddings)
    draft = Path(mkdtemp(dir=folder))
    return Built(opened, opened.build(draft, contents), contents, draft)


def builder(
    kind: str,
    collections: dict[str, np.ndarray],
    folder: Path,
    settings: IndexSettings | None = None,
) -> Build:
    """Return a function that builds an index of a kind over a collection by name, once."""
    return cache(lambda name: build(kind, collections[name], folder, settings))
