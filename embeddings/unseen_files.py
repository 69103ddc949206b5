"""Facts about files that came after a release: functions of the release and the file alone.

Later changes of the collection have no effect on them, so that every process and every order of
changes gives the same.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

import numpy as np

from embeddings.arrays import Floats, Points
from embeddings.fixed_map import FixedMap
from embeddings.index import VectorIndex
from embeddings.recognition import distance_to_training, typicality
from embeddings.release.reader import Release


@dataclass(frozen=True)
class UnseenFiles:
    """Facts about files by digest, each computed once; safe to use from many threads.

    A file of the release has the facts of its image there.
    """

    release: Release
    index: VectorIndex
    """Index of the embeddings of the release, of any kind."""
    more_learned: Container[str] = frozenset()
    """Digests of files that the model learned from and the release lacks."""
    _twins: dict[str, int] = field(default_factory=dict)
    _typicalities: dict[str, float] = field(default_factory=dict)
    _distances: dict[str, float] = field(default_factory=dict)
    _points: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def learned(self, digest: str) -> bool:
        """Return True if the model learned from a file."""
        row = self._twin(digest)
        return digest in self.more_learned if row < 0 else bool(self.release.learned[row])

    def typicality(self, digest: str, embedding: Floats) -> float:
        """Return the typicality of a file, 0-1; `embedding` has shape (dimension,)."""
        known = self._typicalities.get(digest)
        if known is None:
            known = self._typicalities[digest] = self._measure(digest, embedding)
        return known

    def training_distance(self, digest: str, embedding: Floats) -> float:
        """Return the distance of a file to its tenth nearest training image.

        `embedding` has shape (dimension,). A file of the release has the distance of its image.
        """
        known = self._distances.get(digest)
        if known is None:
            known = self._distances[digest] = self._distance(digest, embedding)
        return known

    def points(self, digests: Sequence[str], embeddings: Floats) -> Points:
        """Return the places of files on the map, shape (m, 2), given their embeddings."""
        missing = [number for number, each in enumerate(digests) if each not in self._points]
        if missing:
            placed = self._placed([digests[number] for number in missing], embeddings[missing])
            for number, (x, y) in zip(missing, placed.tolist(), strict=True):
                self._points[digests[number]] = x, y
        return np.array([self._points[each] for each in digests]).reshape(-1, 2)

    def place(self, embeddings: Floats) -> Points:
        """Return the places of embeddings of shape (m, dimension) on the map, shape (m, 2)."""
        with self._lock:
            map_ = self._map
        found = [
            self.index.search(embedding, map_.neighbors, exact=True) for embedding in embeddings
        ]
        return map_.place(
            np.stack([each.rows for each in found]), np.stack([each.distances for each in found])
        )

    @cached_property
    def _map(self) -> FixedMap:
        return FixedMap.of(self.release.points)

    def _placed(self, digests: Sequence[str], embeddings: Floats) -> Points:
        twins = np.array([self._twin(each) for each in digests])
        points = self.release.points[twins]
        if (twins < 0).any():
            points[twins < 0] = self.place(embeddings[twins < 0])
        return np.asarray(points)

    def _measure(self, digest: str, embedding: Floats) -> float:
        release, row = self.release, self._twin(digest)
        if row >= 0:
            return float(release.typicalities[row])
        distance = self.training_distance(digest, embedding)
        return typicality(np.array(release.typicality.distances), distance)

    def _distance(self, digest: str, embedding: Floats) -> float:
        row = self._twin(digest)
        if row >= 0:
            return float(self.release.training_distances[row])
        return distance_to_training(self.index, self.release.learned, embedding, exact=True)

    def _twin(self, digest: str) -> int:
        """Return the row of the release with a file; -1 if there is none."""
        known = self._twins.get(digest)
        if known is None:
            known = self._twins[digest] = self.release.row_of_file(digest)
        return known
