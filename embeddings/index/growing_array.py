"""Arrays that only grow, shared by all states that contain their first rows."""

from collections.abc import Sequence
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

Item = TypeVar("Item", bound=np.generic)

_LEAST_CAPACITY = 16


class _Buffer(Generic[Item]):
    """Memory of growing arrays; rows below `used` never change."""

    def __init__(self, memory: npt.NDArray[Item], used: int) -> None:
        self.memory = memory
        self.used = used
        self.lock = Lock()


class GrowingArray(Generic[Item]):
    """Immutable array of shape (length, ...); a longer one shares its memory.

    Appending r rows costs O(r), amortised, unless another array was grown from the same one. All
    methods are thread-safe.
    """

    def __init__(self, buffer: _Buffer[Item], length: int) -> None:
        self._buffer = buffer
        self.values = buffer.memory[:length]
        """Shape (length, ...): the rows, not to be written to."""

    @classmethod
    def empty(cls, dtype: type[Item], width: tuple[int, ...] = ()) -> "GrowingArray[Item]":
        """Return an array of shape (0, *width)."""
        memory: npt.NDArray[Item] = np.empty((_LEAST_CAPACITY, *width), dtype)
        return cls(_Buffer(memory, 0), 0)

    def __len__(self) -> int:
        return len(self.values)

    def extended(self, rows: npt.NDArray[Any] | Sequence[Any]) -> "GrowingArray[Item]":
        """Return the array with more rows, of shape (r, ...), at its end."""
        if not len(rows):
            return self
        length = len(self) + len(rows)
        with self._buffer.lock:
            buffer = self._buffer
            if buffer.used != len(self) or length > len(buffer.memory):
                buffer = self._copied(length)
            buffer.memory[len(self) : length] = rows
            buffer.used = length
        return GrowingArray(buffer, length)

    def _copied(self, length: int) -> _Buffer[Item]:
        memory = self._buffer.memory
        copy = np.empty(
            (max(2 * len(self), length, _LEAST_CAPACITY), *memory.shape[1:]), memory.dtype
        )
        copy[: len(self)] = self.values
        return _Buffer(copy, len(self))
