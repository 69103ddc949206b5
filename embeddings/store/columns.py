"""Columns of a large table that stay in Arrow memory, which may be mapped from a file."""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.arrays import Mask, Rows

Numbers = npt.NDArray[np.int32]
Value = TypeVar("Value", bound=Hashable)
Other = TypeVar("Other", bound=Hashable)


class Strings(Sequence[str]):
    """Column of strings without nulls; a string is created on access to its row."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> "Strings": ...
    def __getitem__(self, row: int | slice) -> "str | Strings":
        found = self.array[row]
        return Strings(found) if isinstance(row, slice) else str(found.as_py())

    def take(self, rows: Rows) -> list[str]:
        """Return the strings of these rows."""
        found: list[str] = self.array.take(pa.array(rows, pa.int64())).to_pylist()
        return found

    def find(self, value: str) -> int | None:
        """Return the row of a string by binary search; None if it is missing.

        The strings must be different and in ascending order.
        """
        row = bisect_left(self, value)
        return row if row < len(self) and self[row] == value else None


@dataclass(frozen=True)
class Categories(Generic[Value]):
    """Column with few different values: the number of a value for each row."""

    values: tuple[Value, ...]
    numbers: Numbers
    """Shape (n,)."""

    @classmethod
    def of(cls, array: pa.Array) -> "Categories[Value]":
        """Return the categories of a column of strings."""
        encoded = array.dictionary_encode("encode")
        numbers = encoded.indices.to_numpy(zero_copy_only=False)
        return cls(tuple(encoded.dictionary.to_pylist()), np.asarray(numbers, np.int32))

    @classmethod
    def of_values(cls, values: Iterable[Value]) -> "Categories[Value]":
        """Return the categories of values in row order."""
        known: dict[Value, int] = {}
        numbers = [known.setdefault(each, len(known)) for each in values]
        return cls(tuple(known), np.array(numbers, np.int32))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: int) -> Value:
        value: Value = self.values[int(self.numbers[row])]
        return value

    def equal(self, value: Hashable) -> Mask:
        """Return a mask of the rows with a value, shape (n,)."""
        if value not in self.values:
            return np.zeros(len(self), np.bool_)
        return np.asarray(self.numbers == self.values.index(value))

    def matching(self, matches: Callable[[Value], bool]) -> Mask:
        """Return a mask of the rows whose value fulfils a condition, shape (n,)."""
        fitting = np.array([matches(value) for value in self.values], np.bool_)
        return np.asarray(fitting[self.numbers], np.bool_)

    def mapped(self, function: Callable[[Value], Other]) -> "Categories[Other]":
        """Return the column of a function of each value."""
        found: Categories[Other] = Categories.of_values(map(function, self.values))
        return Categories(found.values, found.numbers[self.numbers])

    def counts(self, rows: Mask) -> dict[Value, int]:
        """Count the rows of each value among some, given by a mask of shape (n,)."""
        found = np.bincount(self.numbers[rows], minlength=len(self.values))
        return {self.values[number]: int(found[number]) for number in np.flatnonzero(found)}

    def present(self, rows: Mask) -> set[Value]:
        """Return the different values of some rows, given by a mask of shape (n,)."""
        return {*self.counts(rows)}

    def extended(self, length: int, changed: Mapping[int, Value]) -> "Categories[Value]":
        """Return a column of `length` rows with other values in some rows.

        Every added row must be among them. Numbers of known values stay the same.
        """
        values = dict.fromkeys([*self.values, *changed.values()])
        known = {value: number for number, value in enumerate(values)}
        numbers = np.pad(self.numbers, (0, length - len(self)))
        rows = np.fromiter(changed, np.int64, len(changed))
        numbers[rows] = [known[value] for value in changed.values()]
        return Categories(tuple(values), numbers)


def is_ascending(array: pa.Array) -> bool:
    """Return True if the strings of a column are different and in ascending order."""
    return bool(len(array) < 2 or pc.all(pc.less(array[:-1], array[1:])).as_py())
