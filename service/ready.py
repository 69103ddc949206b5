"""Answers as ready bytes: what never changes while a release serves is made once."""

from functools import lru_cache

from embeddings.graph import DEGREE
from service.answers import map_of, neighborhood
from service.maps import draw
from service.opened import OpenedRelease

_NEIGHBORHOODS_KEPT = 2**14
_MAPS_KEPT = 8


class ReadyAnswers:
    """The ready answers of one release; safe to use from many threads."""

    def __init__(self, opened: OpenedRelease) -> None:
        self._opened = opened
        self._neighborhood = lru_cache(_NEIGHBORHOODS_KEPT)(self._make_neighborhood)
        self._map = lru_cache(_MAPS_KEPT)(self._make_map)

    def neighbors_of(self, identifier: str) -> bytes | None:
        """The nearest photographs of a stored one as JSON; None where there is no such one."""
        row = self._opened.release.rows.get(identifier)
        return None if row is None else self._neighborhood(row)

    def map_of(self, n: int) -> bytes:
        """The release's own map of `n` photographs, or of all where there are fewer, as JSON."""
        return self._map(min(n, len(self._opened.release.photographs)))

    def _make_neighborhood(self, row: int) -> bytes:
        release = self._opened.release
        identifier = release.photographs[row].id
        answer = neighborhood(self._opened, identifier, DEGREE, release.graph.of(row))
        return answer.model_dump_json().encode()

    def _make_map(self, n: int) -> bytes:
        release = self._opened.release
        rows = draw(release, n, release.manifest.map_seed)
        return map_of(self._opened, rows, release.points[rows]).model_dump_json().encode()
