"""What is printed: the collection as it was taken in, and the comparison."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from embeddings.atomic import atomic_write
from embeddings.file_names import printable
from embeddings.release.reports import Comparison, ExperimentReport
from embeddings.store.images import ImageTable
from embeddings.store.records import LeftOut
from training.inspection import Inspection, count_reasons
from training.progress import Display

LEFT_OUT = "left_out.txt"
_SHOWN = 20


def show_collection(table: ImageTable, display: Display) -> None:
    """Print classes and split."""
    collection = table.collection
    counts = Counter((photograph.label, photograph.split) for photograph in table.photographs)
    shown = _table(f"{collection.name}: {len(table.photographs)}")
    for heading in ("class", "train", "validation", "share"):
        shown.add_column(heading, justify="left" if heading == "class" else "right")
    for label in collection.classes:
        train, validation = counts[label, "train"], counts[label, "validation"]
        share = f"{validation / (train + validation):.1%}"
        shown.add_row(Text(label), str(train), str(validation), share)
    display.show(shown)


def show_inspection(inspection: Inspection, home: Path, display: Display) -> None:
    """Print how the folders were understood, and every file that was left out with its reason."""
    if inspection.labels:
        display.say(inspection.layout.describe(inspection.labels))
    lines = write_left_out(inspection.left_out, home)
    if not lines:
        return
    reasons = count_reasons(inspection.left_out)
    display.say(printable(f"Left out: {reasons} (all of them in {home / LEFT_OUT}):"))
    for line in lines[:_SHOWN]:
        display.say(f"  {line}")
    if len(lines) > _SHOWN:
        display.say(f"  … and {len(lines) - _SHOWN} more")


def write_left_out(left_out: Sequence[LeftOut], home: Path) -> list[str]:
    """Write the list of what was left out, a line each, and return the lines.

    If nothing was left out, an older list is removed.
    """
    lines = [printable(f"{entry.path}: {entry.reason}") for entry in left_out]
    if lines:
        atomic_write(home / LEFT_OUT, "\n".join(lines) + "\n")
    else:
        (home / LEFT_OUT).unlink(missing_ok=True)
    return lines


def show_comparison(comparison: Comparison, display: Display) -> None:
    """Print a line for each experiment, the best one marked."""
    title = (
        f"Preset {comparison.preset}: {comparison.train} photographs to train "
        f"({comparison.tuning} of them for tuning), {comparison.validation} to validate"
    )
    shown = _table(title)
    for heading in ("experiment", "family"):
        shown.add_column(heading)
    for heading in ("accuracy", "95 % interval", "macro F1", "tuning", "P@3", "parameters", "s"):
        shown.add_column(heading, justify="right")
    shown.add_column("against the first")
    for report in comparison.experiments:
        name = f"{report.name} *" if report.name == comparison.best else report.name
        shown.add_row(Text(name), report.family, *_figures(report))
    display.show(shown)
    rule = "tuning accuracy" if comparison.tuning else "the loss on the photographs learned from"
    display.say(f"* the best by {rule}; the validation set plays no part in the choice")
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
        f"{report.tuning_accuracy:.1%}" if report.tuning_accuracy is not None else "",
        f"{report.precision_at_3:.1%}" if report.precision_at_3 is not None else "",
        f"{report.parameters:,}",
        f"{report.train_seconds:.0f}",
        (evidence.verdict or "") if evidence else "",
    ]


def _table(title: str) -> Table:
    # Text, since a name such as `[old]` or `:dog:` is no markup.
    return Table(title=Text(title, style="table.title"))
