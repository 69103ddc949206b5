"""What long work shows: progress bars on a terminal, a line per step elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from training.experiments import EpochEnd

T = TypeVar("T")


class Display:
    """Shows on a console what is going on."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, message: str) -> None:
        """Print a line."""
        self._console.print(Text(message), soft_wrap=True)

    def warn(self, message: str) -> None:
        """Print a line that must not be overlooked."""
        self._console.print(Text(message, style="bold yellow"), soft_wrap=True)

    def show(self, table: Table) -> None:
        """Print a table."""
        self._console.print(table)

    def track(self, steps: Iterable[T], description: str, total: int) -> Iterator[T]:
        """Pass steps on while a bar advances."""
        with self._bar(MofNCompleteColumn()) as bar:
            task = bar.add_task(description, total=total)
            for step in steps:
                yield step
                bar.advance(task)
        if not self._console.is_terminal:
            self.say(f"{description}: {total} done")

    @contextmanager
    def download(self, description: str) -> Iterator[Callable[[int, int], None]]:
        """Show how many bytes of how many have come."""
        with self._bar(DownloadColumn()) as bar:
            task = bar.add_task(description, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total or None)

    @contextmanager
    def epochs(self, name: str) -> Iterator[Callable[[EpochEnd], None]]:
        """Show the epochs of one experiment."""
        with self._bar(MofNCompleteColumn()) as bar:
            task = bar.add_task(name, total=None)

            def show(end: EpochEnd) -> None:
                figures = f"{name}: loss {end.loss:.3f}, accuracy {end.accuracy:.1%}"
                if end.tuning_accuracy is not None:
                    figures += f", tuning {end.tuning_accuracy:.1%}"
                bar.update(task, completed=end.epoch, total=end.epochs, description=figures)
                if not self._console.is_terminal:
                    self.say(f"{figures}, epoch {end.epoch}/{end.epochs}")

            yield show

    def _bar(self, counter: ProgressColumn) -> Progress:
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            counter,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
