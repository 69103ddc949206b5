"""What is printed: the collection as it was taken in, and the comparison."""

from collections import Counter
from pathlib import Path

from rich.table import Table

from embeddings.comparison import Comparison, ExperimentReport
from embeddings.photographs import LeftOut
from embeddings.store import ImageTable
from training.progress import Display

LEFT_OUT = "left_out.txt"
_SHOWN = 20


def show_collection(table: ImageTable, home: Path, display: Display) -> None:
    """Print classes and split, and every file that was left out with its reason."""
    collection = table.collection
    counts = Counter((photograph.label, photograph.split) for photograph in table.photographs)
    shown = Table(title=f"{collection.name}: {len(table.photographs)}")
    for heading in ("class", "train", "validation", "share"):
        shown.add_column(heading, justify="left" if heading == "class" else "right")
    for label in collection.classes:
        train, validation = counts[label, "train"], counts[label, "validation"]
        share = f"{validation / (train + validation):.1%}"
        shown.add_row(label, str(train), str(validation), share)
    display.show(shown)
    _show_left_out(collection.left_out, home, display)


def show_comparison(comparison: Comparison, display: Display) -> None:
    """Print a line for each experiment, the best one marked."""
    title = (
        f"Preset {comparison.preset}: {comparison.train} photographs to train "
        f"({comparison.tuning} of them for tuning), {comparison.validation} to validate"
    )
    shown = Table(title=title)
    for heading in ("experiment", "family"):
        shown.add_column(heading)
    for heading in ("accuracy", "95 % interval", "macro F1", "tuning", "P@3", "parameters", "s"):
        shown.add_column(heading, justify="right")
    shown.add_column("against the first")
    for report in comparison.experiments:
        name = f"{report.name} *" if report.name == comparison.best else report.name
        shown.add_row(name, report.family, *_figures(report))
    display.show(shown)
    display.say("* the best by tuning accuracy; the validation set plays no part in the choice")
    for report in comparison.experiments:
        if report.reason:
            display.warn(f"{report.name}: {report.status}: {report.reason}")


def _figures(report: ExperimentReport) -> list[str]:
    if report.status == "skipped":
        return ["skipped", *[""] * 7]
    evidence = report.evidence
    return [
        f"{report.accuracy:.1%}",
        "{:.1%}–{:.1%}".format(*evidence.interval) if evidence else "",
        f"{report.macro_f1:.3f}",
        f"{report.tuning_accuracy:.1%}",
        f"{report.precision_at_3:.1%}" if report.precision_at_3 is not None else "",
        f"{report.parameters:,}",
        f"{report.train_seconds:.0f}",
        (evidence.verdict or "") if evidence else "",
    ]


def _show_left_out(left_out: tuple[LeftOut, ...], home: Path, display: Display) -> None:
    if not left_out:
        return
    lines = [f"{entry.path}: {entry.reason}" for entry in left_out]
    home.mkdir(parents=True, exist_ok=True)
    (home / LEFT_OUT).write_text("\n".join(lines) + "\n")
    display.say(f"{len(lines)} files were left out (all of them in {home / LEFT_OUT}):")
    for line in lines[:_SHOWN]:
        display.say(f"  {line}")
    if len(lines) > _SHOWN:
        display.say(f"  … and {len(lines) - _SHOWN} more")
