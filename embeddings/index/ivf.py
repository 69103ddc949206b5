"""Approximate index for collections larger than the memory: inverted file of clusters, on disk.

Method: Sivic & Zisserman 2003, implemented by Lance (IVF_FLAT). A search reads the nearest clusters
from the files of the release.
"""

from math import ceil
from pathlib import Path

import faiss
import lance
import numpy as np
import pyarrow as pa

from embeddings.arrays import Floats, Mask, Rows
from embeddings.index import IndexContents, Neighbors, SealedIndex, VectorIndex
from embeddings.index.approximate import ApproximateIndex, most_in_clusters
from embeddings.index.clusters import ITERATIONS, ROWS_PER_CENTROID, cluster_count
from embeddings.index.distances import SPARE, rank
from embeddings.index.effort import choose_effort
from embeddings.index.faiss_threads import respect_thread_limit
from embeddings.index.flat import LEAST_ELIGIBLE
from embeddings.settings import IndexSettings

_TABLE = "vectors.lance"
_COLUMN = "vector"
_CLUSTERS = "clusters"
_PROBES = "probes"
"""Names of parameters in the manifest."""

_CACHE_BYTES = 128 * 1024 * 1024
"""Memory for clusters that were read."""

_LEAST_PROBES = 4
_GROWTH = 1.4

_SEED = 0

_BATCH = 65_536


class IvfKind:
    """Kind `ivf`, whose clusters are a Lance table with an index."""

    def __init__(self, settings: IndexSettings) -> None:
        del settings

    def build(self, draft: Path, contents: IndexContents) -> SealedIndex:
        """Implement `IndexKind.build`."""
        embeddings = contents.embeddings
        clusters = cluster_count(len(embeddings))
        table = _write(draft / _TABLE, embeddings)
        table.create_index(
            _COLUMN,
            "IVF_FLAT",
            metric="L2",
            num_partitions=clusters,
            ivf_centroids=_centroids(embeddings, clusters),
        )
        opened = _open(draft / _TABLE)
        probes, recall = choose_effort(
            embeddings,
            _series(clusters),
            lambda probes: IvfIndex(embeddings, opened, clusters, probes),
        )
        return SealedIndex(
            kind="ivf",
            exact=False,
            recall=recall,
            parameters={_CLUSTERS: clusters, _PROBES: probes},
        )

    def open(self, folder: Path, sealed: SealedIndex, contents: IndexContents) -> VectorIndex:
        """Implement `IndexKind.open`."""
        clusters, probes = (int(sealed.parameters[name]) for name in (_CLUSTERS, _PROBES))
        return IvfIndex(contents.embeddings, _open(folder / _TABLE), clusters, probes)

    def discard(self, sealed: SealedIndex) -> None:
        """Implement `IndexKind.discard`."""


class IvfIndex(ApproximateIndex):
    """Approximate search in the nearest clusters of a table."""

    def __init__(
        self, embeddings: Floats, table: lance.LanceDataset, clusters: int, probes: int
    ) -> None:
        super().__init__(embeddings, most_in_clusters(len(embeddings), clusters))
        self._table = table
        self._probes = probes

    def _find(
        self, query: Floats, k: int, exclude: int | None, among: Mask | None
    ) -> Neighbors | None:
        wanted = k + 1 + SPARE
        if among is not None:
            wanted = ceil(wanted / LEAST_ELIGIBLE)
        rows, vectors = self._candidates(query, wanted)
        kept = rows != exclude
        if among is not None:
            kept &= among[rows]
        if kept.sum() < k:
            return None
        return Neighbors(*rank(query, rows[kept], vectors[kept], k), "ivf", exact=False)

    def _candidates(self, query: Floats, count: int) -> tuple[Rows, Floats]:
        """Return the rows of the nearest clusters that are nearest to a query, with embeddings.

        The embeddings come from the table: those of the release are mapped, and single rows of a
        mapped file take tens of kilobytes each.
        """
        found = self._table.scanner(
            columns=[_COLUMN, "_distance"],
            nearest={"column": _COLUMN, "q": query, "k": count, "nprobes": self._probes},
            with_row_id=True,
            fast_search=True,
        ).to_table()
        vectors = found.column(_COLUMN).combine_chunks().flatten().to_numpy()
        # The table has one fragment, so that the row id is the row number.
        rows = found.column("_rowid").to_numpy().astype(np.int64)
        return rows, vectors.reshape(len(rows), -1)


def _centroids(embeddings: Floats, clusters: int) -> Floats:
    """Return the centroids of clusters, shape (clusters, dimension), by k-means with a fixed seed.

    Lance's own k-means starts at random, so that the same embeddings give other answers each time.
    """
    means = faiss.Kmeans(
        embeddings.shape[1],
        clusters,
        niter=ITERATIONS,
        seed=_SEED,
        min_points_per_centroid=1,
        max_points_per_centroid=ROWS_PER_CENTROID,
    )
    respect_thread_limit()
    means.train(embeddings)
    return np.asarray(means.centroids)


def _write(path: Path, embeddings: Floats) -> lance.LanceDataset:
    """Write the embeddings in one fragment, in batches."""
    count, dimension = embeddings.shape
    schema = pa.schema([(_COLUMN, pa.list_(pa.float32(), dimension))])
    batches = (
        pa.record_batch(
            [pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), dimension)], schema=schema
        )
        for block in (embeddings[start : start + _BATCH] for start in range(0, count, _BATCH))
    )
    return lance.write_dataset(
        batches, str(path), schema=schema, max_rows_per_file=count, max_bytes_per_file=2**62
    )


def _open(path: Path) -> lance.LanceDataset:
    return lance.dataset(str(path), index_cache_size_bytes=_CACHE_BYTES)


def _series(clusters: int) -> list[int]:
    """Return numbers of probes in ascending order; the last one is all clusters."""
    series = [min(_LEAST_PROBES, clusters)]
    while series[-1] < clusters:
        series.append(min(ceil(_GROWTH * series[-1]), clusters))
    return series
