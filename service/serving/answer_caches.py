"""Caches of serialized answers of one release, shared by all its states."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

_ROWS_KEPT = 2**14
"""Maximum number of cached answers of a kind, about 1 KB each."""

_MAPS_KEPT = 4


class StampedCache(Generic[Key]):
    """Bounded cache of the newest answer of each key; safe to use from many threads.

    The stamp of an answer changes with its content.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Key, tuple[int, bytes]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key, stamp: int) -> bytes | None:
        """Return the answer of a key with this stamp; None if it is not cached."""
        found = self._kept.get(key)
        return None if found is None or found[0] != stamp else found[1]

    def put(self, key: Key, stamp: int, answer: bytes) -> None:
        """Keep the answer of a key instead of its previous one; the oldest answers are dropped."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = stamp, answer
            if len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]


@dataclass(frozen=True)
class AnswerCaches:
    """Serialized answers.

    Keys are rows or a bounded number of points, never text of a request. Answers by row lack the
    fields `release` and `revision` at their beginning.
    """

    neighborhoods: StampedCache[int] = field(default_factory=lambda: StampedCache(_ROWS_KEPT))
    """Answers to `GET /neighbors?id=` by row."""
    predictions: StampedCache[int] = field(default_factory=lambda: StampedCache(_ROWS_KEPT))
    """Answers to `GET /predict?id=` by row."""
    maps: StampedCache[tuple[int, bool]] = field(default_factory=lambda: StampedCache(_MAPS_KEPT))
    """Complete answers to `GET /tsne?n=` by the number of images; true for those in gzip."""
