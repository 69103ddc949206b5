"""Progress reporting, independent of its display."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Callback that displays the progress of an iteration."""

    def __call__(self, steps: Iterable[T], description: str, total: int) -> Iterable[T]:
        """Return an iterable over the same `total` steps that reports each completed step."""


def no_progress(steps: Iterable[T], description: str, total: int) -> Iterable[T]:
    """Return the steps unchanged, without a display."""
    return steps
