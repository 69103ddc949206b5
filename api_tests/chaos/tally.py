"""How often something was tried and how often it was survived, and the page that says so."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_HEAD = """\
# Chaos

Written by `make chaos`; no figure here is typed by hand. All of it happens to a service that runs
on a small release of generated scenes.
"""


@dataclass
class Tally:
    """One line of the page; attempts may come from many threads."""

    what: str
    tried: int = 0
    survived: int = 0
    measured: str = ""
    passed: bool = False
    """Whether the whole test did, which may want more than that each attempt is survived."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Count what happens within, as survived where nothing is raised."""
        self.count(tried=1)
        yield
        self.count(survived=1)

    def count(self, tried: int = 0, survived: int = 0) -> None:
        """Count many at once."""
        with self._lock:
            self.tried += tried
            self.survived += survived

    def row(self) -> str:
        """The line as Markdown."""
        verdict = "yes" if self.passed and self.survived == self.tried else "**no**"
        return f"| {self.what} | {self.tried:,} | {self.survived:,} | {verdict} | {self.measured} |"


def page(circumstances: list[str], tallies: list[Tally]) -> str:
    """Everything that was tried."""
    rows = [
        "| what | tried | survived | as it should be | measured |",
        "| --- | ---: | ---: | --- | --- |",
        *(tally.row() for tally in tallies),
    ]
    return "\n".join([_HEAD, *circumstances, "", *rows, ""])
