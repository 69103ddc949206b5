"""Targets of the measurements of actions."""

from collections.abc import Iterator
from statistics import median

from benchmarks.actions.results import (
    ActionsMeasurement,
    ExportFigures,
    LassoFigures,
    ReviewFigures,
)
from benchmarks.targets import Target


def action_targets(actions: ActionsMeasurement) -> Iterator[Target]:
    """Yield the targets; the memory is that of the largest collection."""
    if actions.review is not None:
        yield from _of_review(actions.review)
    if actions.lasso is not None:
        yield from _of_lasso(actions.lasso)
    stored, *generated = actions.collections
    seconds, cpu = median(stored.export.seconds), median(stored.export.cpu_seconds)
    name = f"export of {stored.images:,} images as Parquet"
    figure = f"{seconds:.2f} s, {cpu:.2f} s of processor time"
    yield Target(name, figure, "≤ 1 s", seconds <= 1)
    if len(generated) > 1:
        less, more = generated[0], generated[-1]
        name = f"its memory at {more.images:,} images relative to {less.images:,}"
        yield _memory_target(name, less.export, more.export)


def _of_review(review: ReviewFigures) -> Iterator[Target]:
    p95, wrong = review.shown.p95_ms, review.lost + review.doubled
    name = "review: key to the next image shown, 95th percentile"
    yield Target(name, f"{p95:.0f} ms", "≤ 100 ms", p95 <= 100)
    name = f"{review.keys} keys at human pace: decisions lost, doubled"
    yield Target(name, f"{review.lost}, {review.doubled}", "none", wrong == 0)


def _of_lasso(lasso: LassoFigures) -> Iterator[Target]:
    drawn, frames = lasso.drawn.p95_ms, lasso.frames.p95_ms
    name = f"lasso around {lasso.selected:,} of {lasso.points:,} points, 95th percentile"
    yield Target(name, f"{drawn:.0f} ms", "≤ 50 ms", drawn <= 50)
    name = f"its frames: 95th percentile of {lasso.frames.count:,}"
    yield Target(name, f"{frames:.0f} ms", "≤ 33 ms", frames <= 33)


def _memory_target(name: str, less: ExportFigures, more: ExportFigures) -> Target:
    times = more.memory_megabytes / less.memory_megabytes
    figure = f"{times:.2f} × ({less.memory_megabytes:.0f} → {more.memory_megabytes:.0f} MB)"
    return Target(name, figure, "≤ 1.5 ×", times <= 1.5)
