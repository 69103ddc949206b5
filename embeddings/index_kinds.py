"""Names of the kinds of vector index: those of this package and those of other packages."""

from importlib.metadata import EntryPoint, entry_points

GROUP = "belvedere.indexes"
"""Group of entry points. Each resolves to a callable (`IndexSettings`) -> `IndexKind`."""

_OWN = {
    "flat": "embeddings.index.flat:FlatKind",
    "flat-f16": "embeddings.index.compressed:half_kind",
    "flat-int8": "embeddings.index.compressed:byte_kind",
    "hnsw": "embeddings.index.hnsw:HnswKind",
    "ivf": "embeddings.index.ivf:IvfKind",
    "milvus": "embeddings.index.milvus:MilvusKind",
}
"""Kinds of this package, which are found without the metadata of an installation."""


def index_kind(name: str) -> EntryPoint | None:
    """Return the entry point of a kind; None without a package that has it.

    A kind of this package takes precedence.
    """
    if name in _OWN:
        return EntryPoint(name, _OWN[name], GROUP)
    return next(iter(entry_points(group=GROUP, name=name)), None)


def index_kinds() -> list[str]:
    """Return the names of all kinds in alphabetical order."""
    return sorted(_OWN.keys() | entry_points(group=GROUP).names)
