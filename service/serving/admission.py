"""Admission of uploads: a place and memory are reserved before a body is read."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.serving.errors import QueueFull

SMALL_UPLOAD = 1024 * 1024
"""Bytes up to which an upload needs a place alone."""

_RETRY_SECONDS = 1


class UploadAdmission:
    """Places for uploads, and bytes for the large ones among them; used on one event loop.

    So no more than `places` times `SMALL_UPLOAD` and `memory` bytes of bodies are held at a time.
    One large upload is always admitted, however few the bytes.
    """

    def __init__(self, places: int, memory: int) -> None:
        self._places = places
        self._memory = memory
        self._taken = 0
        self._reserved = 0

    @property
    def taken(self) -> int:
        """Uploads that are being read or worked on."""
        return self._taken

    @contextmanager
    def admitted(self, size: int) -> Iterator[None]:
        """Hold a place for an upload of at most `size` bytes. Raises `QueueFull`."""
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
