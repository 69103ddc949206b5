"""Console output: progress bars, classes, comparison."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

from embeddings.release.label_loop import LabelLoop, LoopStep
from embeddings.release.reports import Comparison, ExperimentReport, VersionComparison
from embeddings.release.robustness import ModelRobustness, Robustness
from embeddings.store.records import Images


@dataclass(frozen=True)
class EpochEnd:
    """Metrics after an epoch; accuracies in 0-1."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float | None
    """None without labels."""
    tuning_accuracy: float | None
    """None without tuning images."""


T = TypeVar("T")


class Display:
    """Messages, tables and progress bars on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def info(self, message: str) -> None:
        """Print a line."""
        self._console.print(Text(message), soft_wrap=True)

    def warn(self, message: str) -> None:
        """Print a line in bold yellow."""
        self._console.print(Text(message, style="bold yellow"), soft_wrap=True)

    def show(self, table: Table) -> None:
        """Print a table."""
        self._console.print(table)

    def track(self, steps: Iterable[T], description: str, total: int) -> Iterator[T]:
        """Yield the steps and advance a progress bar."""
        with self._bar(MofNCompleteColumn()) as bar:
            task = bar.add_task(description, total=total)
            for step in steps:
                yield step
                bar.advance(task)
        if not self._console.is_terminal:
            self.info(f"{description}: {total} done")

    @contextmanager
    def download(self, description: str) -> Iterator[Callable[[int, int], None]]:
        """Show a progress bar in bytes; yield the function that updates it."""
        with self._bar(DownloadColumn()) as bar:
            task = bar.add_task(description, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total or None)

    @contextmanager
    def epochs(self, name: str) -> Iterator[Callable[[EpochEnd], None]]:
        """Show the progress of a training; yield the function that takes each epoch's metrics."""
        with self._bar(MofNCompleteColumn()) as bar:
            task = bar.add_task(name, total=None)

            def show(end: EpochEnd) -> None:
                text = f"{name}: loss {end.loss:.3f}"
                if end.accuracy is not None:
                    text += f", accuracy {end.accuracy:.1%}"
                if end.tuning_accuracy is not None:
                    text += f", tuning {end.tuning_accuracy:.1%}"
                bar.update(task, completed=end.epoch, total=end.epochs, description=text)
                if not self._console.is_terminal:
                    self.info(f"{text}, epoch {end.epoch}/{end.epochs}")

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


def show_collection(images: Images, display: Display) -> None:
    """Print the number of images by class and split."""
    counts = Counter(zip(images.labels, images.column("split"), strict=True))
    shown = _table(f"{images.name}: {len(images)}")
    has_pool = bool((images.splits == "pool").any())
    for heading in ("class", "train", "validation", "share", *(["pool"] if has_pool else [])):
        shown.add_column(heading, justify="left" if heading == "class" else "right")
    for label in images.classes:
        train, validation, pool = (
            counts[label, split] for split in ("train", "validation", "pool")
        )
        share = f"{validation / (train + validation):.1%}" if train + validation else ""
        cells = [str(train), str(validation), share, *([str(pool)] if has_pool else [])]
        shown.add_row(Text(label), *cells)
    display.show(shown)


def show_comparison(comparison: Comparison, display: Display) -> None:
    """Print a line for each experiment and mark the best one."""
    title = (
        f"Preset {comparison.preset}, dataset version {comparison.version}: "
        f"{comparison.train} training images ({comparison.tuning} of them for tuning), "
        f"{comparison.validation} validation images"
    )
    shown = _table(title)
    for heading in ("experiment", "family"):
        shown.add_column(heading)
    for heading in ("accuracy", "95 % interval", "macro F1", "tuning", "P@3", "parameters", "s"):
        shown.add_column(heading, justify="right")
    shown.add_column("against the first")
    for report in comparison.experiments:
        name = f"{report.name} *" if report.name == comparison.best else report.name
        shown.add_row(Text(name), report.family, *_cells(report))
    display.show(shown)
    rule = (
        "P@3 of the tuning images, among those within one standard error of the highest tuning "
        "accuracy"
        if comparison.tuning
        else "training loss"
    )
    display.info(f"* best by {rule}; the validation images are not used for the choice")
    for report in comparison.experiments:
        if report.reason:
            display.warn(f"{report.name}: {report.status}: {report.reason}")
    for version in comparison.versions:
        _show_version(version, display)


def _show_version(version: VersionComparison, display: Display) -> None:
    title = (
        f"Against dataset version {version.version}, on the {version.common} validation images of "
        f"both ({version.train} training images; its best, {version.best}, had "
        f"{version.accuracy:.1%} on its own {version.validation} validation images)"
    )
    shown = _table(title)
    for heading in ("experiment", "seeds", "then", "now", "difference"):
        shown.add_column(heading, justify="left" if heading == "experiment" else "right")
    for pair in version.experiments:
        figures = (str(pair.seeds), f"{pair.before:.1%}", f"{pair.after:.1%}")
        verdict = f"{pair.verdict} (p {pair.p_value:.3f})"
        shown.add_row(Text(pair.experiment), *figures, verdict)
    display.show(shown)


def show_label_loop(report: LabelLoop, display: Display) -> None:
    """Print a table for each simulated review, with a line for each number of checked images."""
    for review in report.reviews:
        title = (
            f"{report.experiment}, repeats: {report.repeats}, wrong labels by {review.noise}: "
            f"{review.wrong} of {report.train} training labels; validation accuracy "
            f"{review.none.accuracy:.1%} with them, {review.everything.accuracy:.1%} without"
        )
        shown = _table(title)
        headings = ("checked", "wrong in queue", "at random", "accuracy: queue", "at random")
        for heading in (*headings, "difference", "95 % interval", "adjusted p"):
            shown.add_column(heading, justify="right")
        shown.add_column("queue")
        for step in review.steps:
            shown.add_row(*_loop_cells(step))
        display.show(shown)


def _loop_cells(step: LoopStep) -> list[str]:
    return [
        str(step.checked),
        f"{step.found_by_queue:.0f}",
        f"{step.found_at_random:.0f}",
        f"{step.queue.accuracy:.1%}",
        f"{step.random.accuracy:.1%}",
        f"{step.difference:+.1%}",
        "{:+.1%} to {:+.1%}".format(*step.interval),
        f"{step.p_adjusted:.4f}",
        step.verdict,
    ]


def show_robustness(report: Robustness, display: Display) -> None:
    """Print a table for each model, with a line for each corruption."""
    for model in report.models:
        _show_model_robustness(model, report.validation, display)


def _show_model_robustness(model: ModelRobustness, validation: int, display: Display) -> None:
    title = (
        f"{model.experiment} ({model.family}), accuracy / P@3 of {validation} validation images at "
        f"each strength; {model.accuracy:.1%} / {model.precision_at_3:.1%} without a corruption"
    )
    shown = _table(title)
    shown.add_column("corruption")
    for step in model.corruptions[0].steps:
        shown.add_column(str(step.strength), justify="right")
    shown.add_column("values")
    for each in model.corruptions:
        figures = (f"{step.accuracy:.1%} / {step.precision_at_3:.1%}" for step in each.steps)
        values = ", ".join(f"{step.value:g}" for step in each.steps)
        shown.add_row(each.corruption, *figures, f"{values} ({each.unit})")
    display.show(shown)


def _cells(report: ExperimentReport) -> list[str]:
    if report.status == "skipped":
        return ["skipped", *[""] * 7]
    evidence = report.evidence
    return [
        f"{report.accuracy:.1%}",
        "{:.1%}–{:.1%}".format(*evidence.interval) if evidence else "",
        f"{report.macro_f1:.3f}",
        f"{report.tuning_accuracy:.1%}" if report.tuning_accuracy is not None else "",
        f"{report.precision_at_3:.1%}" if report.precision_at_3 is not None else "",
        f"{report.parameters:,}",
        f"{report.train_seconds:.0f}",
        (evidence.verdict or "") if evidence else "",
    ]


def _table(title: str) -> Table:
    # Text, because a name such as `[old]` or `:dog:` must not be parsed as markup.
    return Table(title=Text(title, style="table.title"))
