"""Approximate index on a Milvus server: a collection that is filled at publishing."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from embeddings.arrays import Floats, Mask
from embeddings.index import (
    IndexContents,
    IndexUnavailable,
    Neighbors,
    SealedIndex,
)
from embeddings.index.approximate import ApproximateIndex, most_in_clusters
from embeddings.index.distances import ROUNDING, SPARE, rerank
from embeddings.index.effort import choose_effort
from embeddings.index.milvus_collection import MilvusCollection
from embeddings.index.milvus_server import MilvusServer
from embeddings.settings import IndexSettings

KIND = "milvus"

Result = TypeVar("Result")

_COLLECTION = "collection"
_PROBES = "probes"
"""Names of parameters in the manifest."""

_LEAST_PROBES = 8

_MOST_CANDIDATES = 16_384
"""Largest number of rows that a search of Milvus returns."""

_log = logging.getLogger(__name__)


class MilvusKind:
    """Kind `milvus`: a collection of the server for each set of embeddings."""

    def __init__(self, settings: IndexSettings) -> None:
        self._settings = settings

    def build(self, draft: Path, contents: IndexContents) -> SealedIndex:
        """Implement `IndexKind.build`; what is filled already is kept.

        Raises `SettingsError` and `IndexUnavailable`.
        """
        collection = MilvusCollection.of(MilvusServer(self._settings), contents)
        collection.fill()
        probes, recall = choose_effort(
            contents.embeddings,
            _series(collection.clusters),
            lambda probes: MilvusIndex(collection, probes),
        )
        return SealedIndex(
            kind=KIND,
            exact=False,
            recall=recall,
            parameters={
                _COLLECTION: collection.name,
                "clusters": collection.clusters,
                _PROBES: probes,
            },
        )

    def open(self, folder: Path, sealed: SealedIndex, contents: IndexContents) -> "MilvusIndex":
        """Implement `IndexKind.open`; the server may be away, and is tried again by searches.

        Raises `SettingsError`.
        """
        server = MilvusServer(self._settings)
        collection = MilvusCollection(server, str(sealed.parameters[_COLLECTION]), contents)
        index = MilvusIndex(collection, int(sealed.parameters[_PROBES]))
        index.try_server()
        return index

    def discard(self, sealed: SealedIndex) -> None:
        """Implement `IndexKind.discard`: drop the collection."""
        name = str(sealed.parameters[_COLLECTION])
        if self._settings.milvus_uri is None:
            _log.warning("BELVEDERE_MILVUS_URI is unset; the collection %s is left there", name)
            return
        MilvusServer(self._settings).call(lambda client: client.drop_collection(name))


class MilvusIndex(ApproximateIndex):
    """Approximate search by a server, which returns row numbers.

    They are reranked by the embeddings of the release. Exact search needs no server. The connection
    is shared and stays open when the index is closed.
    """

    def __init__(self, collection: MilvusCollection, probes: int) -> None:
        embeddings = collection.contents.embeddings
        count, clusters = len(embeddings), collection.clusters
        super().__init__(embeddings, most_in_clusters(count, clusters) if clusters else count - 1)
        self._collection = collection
        self._probes = probes
        self._checked = False
        self._failing = False

    def try_server(self) -> None:
        """Compare the collection with the release; a failure is logged, not raised."""
        with suppress(IndexUnavailable):
            self._observed(self._check)

    def _find(
        self, query: Floats, k: int, exclude: int | None, among: Mask | None
    ) -> Neighbors | None:
        return self._observed(lambda: self._search(query, k, exclude, among))

    def _check(self) -> None:
        if not self._checked:
            self._collection.check()
            self._checked = True

    def _observed(self, step: Callable[[], Result]) -> Result:
        """Return the result of a step; log the beginning and the end of a failure."""
        try:
            result = step()
        except IndexUnavailable as error:
            # The collection may be another one when the server is back.
            self._checked = False
            if not self._failing:
                _log.warning("index not searched: %s", error)
            self._failing = True
            raise
        if self._failing:
            _log.warning("the collection %s is searched again", self._collection.name)
        self._failing = False
        return result

    def _search(
        self, query: Floats, k: int, exclude: int | None, among: Mask | None
    ) -> Neighbors | None:
        """Return the nearest eligible rows; None if the server finds too few.

        The number of candidates is increased until no other one can be among the nearest.
        """
        self._check()
        candidates = k + SPARE + 1
        while candidates <= _MOST_CANDIDATES:
            count = min(candidates, len(self))
            rows, squared = self._collection.search(query, count, self._probes)
            if len(rows) < count:
                return None
            eligible = rows if among is None else rows[among[rows]]
            eligible = eligible[eligible != exclude]
            if len(eligible) >= k:
                nearest, distances = rerank(query, self._embeddings, eligible, k)
                horizon = float(np.sqrt(squared[-1] * (1 - ROUNDING)))
                if count == len(self) or distances[-1] < horizon:
                    return Neighbors(nearest, distances, KIND, exact=False)
            elif count == len(self):
                return None
            candidates *= 4
        return None


def _series(clusters: int) -> Iterator[int]:
    """Yield numbers of clusters to search, of which the least with enough recall is used."""
    probes = min(_LEAST_PROBES, clusters)
    while probes < clusters:
        yield probes
        probes = min(2 * probes, clusters)
    yield clusters
