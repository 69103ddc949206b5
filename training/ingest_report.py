"""Outcomes of an ingest on the console and as a table."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from embeddings.atomic import atomic_file
from embeddings.file_names import printable
from embeddings.ingest.outcomes import SETTLED
from training.console import Display
from training.data.ingest import FileOutcome, Report, count_reasons
from training.settings import OUTCOMES

_SHOWN = 20

_WORDS = {
    "duplicate_of": ("duplicate", "duplicates"),
    "conflict": ("label conflict", "label conflicts"),
    "deleted_before": ("deleted before", "deleted before"),
}


def show_outcomes(report: Report, key: str, home: Path, display: Display) -> None:
    """Print the number of files with each outcome, and the first files without an image."""
    if report.layout:
        display.info(report.layout)
    counts = Counter(each.outcome for each in report.outcomes)
    if counts:
        display.info(f"Files: {', '.join(_counted(*each) for each in counts.most_common())}.")
    left_out = [each for each in report.outcomes if each.outcome not in SETTLED]
    if left_out:
        reasons = count_reasons([each.detail for each in left_out])
        display.info(printable(f"Left out: {reasons} (full list in {home / OUTCOMES}):"))
    for each in left_out[:_SHOWN]:
        display.info(printable(f"  {each.path}: {each.detail}"))
    if len(left_out) > _SHOWN:
        display.info(f"  … and {len(left_out) - _SHOWN} more")
    if report.deleted:
        display.info(f"Deleted: {report.deleted} images, because their files are gone.")
    if report.gone:
        display.warn(
            f"The files of {report.gone} images are gone from {key}; the images are kept. "
            "`belvedere add --mirror` with this path deletes them."
        )


def _counted(outcome: str, count: int) -> str:
    singular, plural = _WORDS.get(outcome, (outcome, outcome))
    return f"{count:,} {singular if count == 1 else plural}"


def write_outcomes(outcomes: Sequence[FileOutcome], home: Path) -> None:
    """Write the table of all files: path, outcome, id of the image and detail."""
    with atomic_file(home / OUTCOMES) as draft, draft.open("w", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FileOutcome._fields)
        writer.writerows([printable(value) for value in each] for each in outcomes)
