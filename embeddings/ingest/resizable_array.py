"""Array whose rows are replaced and appended in place."""

from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T", bound=np.generic)


class ResizableArray(Generic[T]):
    """Array of shape (n, ...) whose rows can be replaced and appended in constant time."""

    def __init__(self, values: npt.NDArray[T]) -> None:
        self._values = values.copy()
        self._count = len(values)

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> npt.NDArray[T]:
        """View of all rows, valid until the next append."""
        return self._values[: self._count]

    def set(self, row: int, value: Any) -> None:
        """Replace a row, or append it if `row` is the number of rows."""
        if row == len(self._values):
            room = np.empty((max(1024, row // 8), *self._values.shape[1:]), self._values.dtype)
            self._values = np.concatenate([self._values, room])
        self._count = max(self._count, row + 1)
        self._values[row] = value
