"""Response cache of one release: serialized responses, each made once, within a bound."""

import gzip
from functools import lru_cache, partial
from urllib.parse import unquote_plus

from embeddings.index.knn_graph import DEGREE
from service.serving.responses import map_of, neighborhood, prediction
from service.serving.served_release import ServedRelease
from service.serving.tsne_jobs import sample_rows

_ROWS_KEPT = 2**14
"""Maximum number of cached responses of a kind, about 1 KB each."""

_MAPS_KEPT = 4
_QUERY = b"id="

# Level 9 takes twice as long and saves a fortieth.
_COMPRESSION = 6


class ResponseCache:
    """Response cache of one release; safe to use from many threads.

    Keys are rows or a bounded number of points, never text of a request. The caches belong to this
    object and refer to the release alone, so both are freed with their last user.
    """

    def __init__(self, served: ServedRelease) -> None:
        self._rows = served.release.rows
        self.neighborhood = lru_cache(_ROWS_KEPT)(partial(_neighborhood, served))
        """Response to `GET /neighbors?id=` for a row, as JSON."""
        self.prediction = lru_cache(_ROWS_KEPT)(partial(_prediction, served))
        """Response to `GET /predict?id=` for a row, as JSON."""
        self.map = lru_cache(_MAPS_KEPT)(partial(_map, served))
        """Published map of `n` images, as JSON."""
        self.compressed_map = lru_cache(_MAPS_KEPT)(partial(_compressed_map, served))
        """Published map of `n` images, as JSON compressed with gzip."""

    def row_of(self, query: bytes) -> int | None:
        """Return the row of a query string that consists of an id alone.

        None if it has other parameters, or if no image has the id.
        """
        if not query.startswith(_QUERY) or b"&" in query:
            return None
        return self._rows.get(unquote_plus(query[len(_QUERY) :].decode("latin-1")))


def _neighborhood(served: ServedRelease, row: int) -> bytes:
    release = served.release
    identifier = release.records[row].id
    answer = neighborhood(served, identifier, DEGREE, release.graph.of(row))
    return answer.model_dump_json().encode()


def _prediction(served: ServedRelease, row: int) -> bytes:
    return prediction(served.manifest, served.recognition(row)).model_dump_json().encode()


def _map(served: ServedRelease, n: int) -> bytes:
    release = served.release
    rows = sample_rows(release, n, release.manifest.map_seed)
    return map_of(served, rows, release.points[rows]).model_dump_json().encode()


def _compressed_map(served: ServedRelease, n: int) -> bytes:
    return gzip.compress(_map(served, n), _COMPRESSION, mtime=0)
