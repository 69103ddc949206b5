"""Answers as ready bytes: what never changes while a release serves is made once."""

import gzip
from functools import lru_cache
from urllib.parse import unquote_plus

from embeddings.graph import DEGREE
from service.answers import map_of, neighborhood
from service.maps import draw
from service.opened import OpenedRelease

_NEIGHBORHOODS_KEPT = 2**14
_MAPS_KEPT = 8
_QUERY = b"id="

# 9 takes twice as long for a fortieth less.
_COMPRESSION = 6


class ReadyAnswers:
    """The ready answers of one release; safe to use from many threads."""

    def __init__(self, opened: OpenedRelease) -> None:
        self._opened = opened
        self.neighborhood = lru_cache(_NEIGHBORHOODS_KEPT)(self._neighborhood)
        self.map = lru_cache(_MAPS_KEPT)(self._map)
        self.compressed_map = lru_cache(_MAPS_KEPT)(self._compressed_map)

    def _neighborhood(self, query: bytes) -> bytes | None:
        """The answer to `/neighbors?<query>` as JSON, where it asks for no more than an id.

        None where it does, or where there is no such photograph.
        """
        if not query.startswith(_QUERY) or b"&" in query:
            return None
        release = self._opened.release
        identifier = unquote_plus(query[len(_QUERY) :].decode("latin-1"))
        row = release.rows.get(identifier)
        if row is None:
            return None
        answer = neighborhood(self._opened, identifier, DEGREE, release.graph.of(row))
        return answer.model_dump_json().encode()

    def _map(self, n: int) -> bytes:
        """The release's own map of `n` photographs as JSON."""
        release = self._opened.release
        rows = draw(release, n, release.manifest.map_seed)
        return map_of(self._opened, rows, release.points[rows]).model_dump_json().encode()

    def _compressed_map(self, n: int) -> bytes:
        """The same with gzip."""
        return gzip.compress(self.map(n), _COMPRESSION, mtime=0)
