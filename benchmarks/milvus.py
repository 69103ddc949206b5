"""`python -m benchmarks.milvus EMBEDDINGS.npy URI`: the kind of index `milvus` on a server.

The embeddings have shape (n, dimension), float32. The collection is filled, indexed, searched one
query at a time beside nothing else, and dropped.
"""

import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from embeddings.arrays import Floats
from embeddings.index import IndexContents, SealedIndex, VectorIndex
from embeddings.index.flat import FlatIndex
from embeddings.index.milvus import MilvusKind
from embeddings.index.milvus_collection import MilvusCollection
from embeddings.index.milvus_server import MilvusServer
from embeddings.settings import IndexSettings

_QUERIES = 500
_NEIGHBORS = (3, 100)
_SHARE = 0.95
"""Share of eligible rows of a filter that the server answers."""


def main() -> None:
    """Measure, and print a line for each step."""
    path, uri = sys.argv[1:]
    embeddings = np.load(path, mmap_mode="r")
    contents = IndexContents.of([f"{row:09}" for row in range(len(embeddings))], embeddings)
    settings = IndexSettings(index="milvus", milvus_uri=uri)
    kind = MilvusKind(settings)
    collection = MilvusCollection.of(MilvusServer(settings), contents)
    _say("rows × dimensions", "{} × {}", *contents.embeddings.shape)
    try:
        started = perf_counter()
        collection.insert()
        filled = perf_counter()
        _say("filled", "{:.1f} s", filled - started)
        collection.build_index()
        indexed = perf_counter()
        _say("indexed and loaded", "{:.1f} s", indexed - filled)
        sealed = kind.build(Path(), contents)
        _say("counted, recall measured", "{:.1f} s", perf_counter() - indexed)
        _say("clusters, searched", "{clusters}, {probes}", **sealed.parameters)
        _say("recall of the three nearest", "{:.4f}", sealed.recall)
        _measure_searches(kind, sealed, contents)
    finally:
        collection.drop()


def _measure_searches(kind: MilvusKind, sealed: SealedIndex, contents: IndexContents) -> None:
    rng = np.random.default_rng(1)
    embeddings = contents.embeddings
    rows = rng.integers(len(embeddings), size=_QUERIES).tolist()
    among = rng.random(len(embeddings)) < _SHARE
    for name, index in (
        ("milvus", kind.open(Path(), sealed, contents)),
        ("flat", FlatIndex(embeddings)),
    ):
        for k in _NEIGHBORS:
            for title, mask in (("", None), (f", {_SHARE:.0%} eligible", among)):
                figures = np.percentile(_milliseconds(index, embeddings, rows, k, mask), [50, 95])
                _say(f"{name}, k = {k}{title}", "{:.1f} / {:.1f} ms (p50 / p95)", *figures)


def _milliseconds(
    index: VectorIndex, embeddings: Floats, rows: list[int], k: int, mask: np.ndarray | None
) -> list[float]:
    measured = []
    for row in rows:
        query = embeddings[row]
        started = perf_counter()
        index.search(query, k, exclude=row, among=mask)
        measured.append(1000 * (perf_counter() - started))
    return measured


def _say(name: str, text: str, *values: object, **named: object) -> None:
    sys.stdout.write(f"{name}: {text.format(*values, **named)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
