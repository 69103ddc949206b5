"""Kinds of vector index in tests: built in a folder and opened, as publishing and serving do."""

from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from embeddings.index import IndexContents, VectorIndex, open_kind
from embeddings.settings import IndexSettings

EMBEDDED = ("flat", "hnsw")
"""Kinds that need no server."""


def ids_of(count: int) -> list[str]:
    """Return ids in ascending order."""
    return [f"class/{number:05}" for number in range(count)]


def built(
    kind: str, embeddings: np.ndarray, folder: Path, settings: IndexSettings | None = None
) -> VectorIndex:
    """Build an index of a kind in a new folder below `folder`, and open it."""
    opened = open_kind(kind, settings or IndexSettings(index=kind))
    contents = IndexContents.of(ids_of(len(embeddings)), embeddings)
    draft = Path(mkdtemp(dir=folder))
    return opened.open(draft, opened.build(draft, contents), contents)
