"""How long work shows its progress without knowing who looks."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Passes steps on and shows how many of how many are done."""

    def __call__(self, steps: Iterable[T], description: str, total: int) -> Iterable[T]:
        """Wrap an iterable of `total` steps."""


def no_progress(steps: Iterable[T], description: str, total: int) -> Iterable[T]:
    """Pass steps on and show nothing."""
    return steps
