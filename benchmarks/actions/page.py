"""Section of `docs/benchmarks.md` on actions."""

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.actions.results import (
    ActionsMeasurement,
    CallFigures,
    CollectionFigures,
    LassoFigures,
    ReviewFigures,
)
from benchmarks.actions.targets import action_targets
from benchmarks.markdown import table
from benchmarks.targets import HEADER


def section(measured: ActionsMeasurement) -> list[str]:
    """Return the section as paragraphs and lines of tables."""
    return [
        "## Look, select, act",
        _about(measured.collections),
        f"- Machine: {measured.machine}.",
        f"- Date: {measured.day.isoformat()}; load average at the start: {measured.load:.1f}.",
        *table(HEADER, [each.row for each in action_targets(measured)], words=4),
        *_lines(measured),
    ]


def _about(collections: Sequence[CollectionFigures]) -> str:
    stored, *generated = collections
    sizes = " and ".join(f"{each.images:,}" for each in generated)
    others = f" and on generated collections of {sizes} images" if generated else ""
    return (
        "Measured by `python -m benchmarks.actions` on copies of the release with "
        f"{stored.images:,} images{others}; embeddings of {stored.dimension} dimensions, one "
        "client, folds off."
    )


def _lines(measured: ActionsMeasurement) -> Iterator[str]:
    if measured.review is not None:
        yield _review(measured.review)
    if measured.lasso is not None:
        yield _lasso(measured.lasso)
    yield from _calls(measured.collections)
    yield from _exports(measured.collections)


def _review(review: ReviewFigures) -> str:
    return (
        f"Review in Chromium: {review.keys} keys (decisions and undo), 0.5 to 1.5 s apart; from a "
        f"key to the next image, decoded and painted, {review.shown.p50_ms:.0f} ms (95th "
        f"percentile {review.shown.p95_ms:.0f} ms, the longest {review.longest_ms:.0f} ms). In the "
        f"journal, {review.lost} decisions are missing, and {review.doubled} rows are of no key."
    )


def _lasso(lasso: LassoFigures) -> str:
    return (
        f"Lasso in Chromium: {lasso.lassos} lines around {lasso.selected:,} of {lasso.points:,} "
        f"points; from the end of the line to the painted selection {lasso.drawn.p50_ms:.0f} ms "
        f"(95th percentile {lasso.drawn.p95_ms:.0f} ms); {lasso.frames.count:,} frames while "
        f"drawing, 95th percentile {lasso.frames.p95_ms:.0f} ms, the longest "
        f"{lasso.frames.longest_ms:.0f} ms."
    )


def _calls(collections: Sequence[CollectionFigures]) -> list[str]:
    by_name = [{each.name: each for each in found.calls} for found in collections]
    rows = [[name, *(_figures(each[name]) for each in by_name)] for name in by_name[0]]
    header = (
        "call: p50 / p95, ms (processor time)", *(f"{each.images:,} images" for each in collections)
    )  # fmt: skip
    return table(header, rows)


def _figures(call: CallFigures) -> str:
    return f"{call.latency.p50_ms:.1f} / {call.latency.p95_ms:.1f} ({call.cpu_ms:.1f})"


def _exports(collections: Sequence[CollectionFigures]) -> list[str]:
    rows = [
        [
            f"{each.images:,}",
            f"{each.export.file_megabytes:.1f}",
            f"{median(each.export.seconds):.2f}",
            f"{median(each.export.cpu_seconds):.2f}",
            f"{each.export.memory_megabytes:.0f}",
        ]
        for each in collections
    ]
    header = (
        "images", "file, MB", "s", "processor time, s", "growth of anonymous memory, MB",
    )  # fmt: skip
    about = (
        "`GET /export`, Parquet with all records and embeddings; medians of three exports, after "
        "one of a single image."
    )
    return [about, *table(header, rows, words=0)]
