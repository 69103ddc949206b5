"""Admission of uploads: a place and memory are reserved before a body is read."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.serving.errors import QueueFull

SMALL_UPLOAD = 1024 * 1024
"""Maximum size, in bytes, of an upload that reserves no memory."""

_RETRY_SECONDS = 1


class UploadAdmission:
    """Reservations of places, and of memory for large uploads; used on one event loop.

    All bodies together take at most `places` times `SMALL_UPLOAD` plus `memory` bytes. One large
    upload is always admitted, even if it exceeds `memory`.
    """

    def __init__(self, places: int, memory: int) -> None:
        self._places = places
        self._memory = memory
        self._taken = 0
        self._reserved = 0

    @property
    def taken(self) -> int:
        """Number of admitted uploads."""
        return self._taken

    @contextmanager
    def admitted(self, size: int) -> Iterator[None]:
        """Reserve a place for an upload of at most `size` bytes. Raises `QueueFull`."""
        reserved = size if size > SMALL_UPLOAD else 0
        too_large = reserved and self._reserved and self._reserved + reserved > self._memory
        if too_large or self._taken >= self._places:
            raise QueueFull(_RETRY_SECONDS)
        self._taken += 1
        self._reserved += reserved
        try:
            yield
        finally:
            self._taken -= 1
            self._reserved -= reserved
