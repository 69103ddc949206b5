"""File that is written in memory and taken away in chunks."""

import io
from typing import Any


class Chunks(io.RawIOBase):
    """Writable file without a position to return to; `take` removes the bytes written so far."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._position = self._taken = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._position

    def write(self, data: Any) -> int:
        """Append bytes."""
        # The memory of a writer may change after the call.
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    @property
    def waiting(self) -> int:
        """Number of bytes written since the last call of `take`."""
        return self._position - self._taken

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        self._taken = self._position
        return taken
