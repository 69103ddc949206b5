"""Retrieval: measures per model, layer and class."""

from embeddings.release.reports import ExperimentReport
from embeddings.release.retrieval import MEASURES, Estimate
from service.report.figures.comparison import Reports
from service.report.figures.format import percent, points
from service.report.figures.html import Fragment, Part, joined, paragraph, strong, table
from service.report.figures.style import (
    ACCENT,
    INK,
    PALE,
    Chart,
    in_style,
    label_percentages,
    remove_frame,
)

_MOST_CLASSES = 40


@in_style
def retrieval_chart(reports: Reports) -> Chart:
    """Draw precision at 3 by pooled features and by embedding, a line per model."""
    shown = [each for each in reports.values() if each.precision_at_3 is not None]
    chart = Chart(
        height=1.1 + 0.26 * len(shown),
        alt="Share of the three nearest training images with the right class, per model.",
    )
    axes = chart.subplots()
    rows = range(len(shown))
    pooled = [each.pooled_precision_at_3 or 0.0 for each in shown]
    embedding = [each.precision_at_3 or 0.0 for each in shown]
    for row in rows:
        axes.plot((pooled[row], embedding[row]), (row, row), color=PALE, linewidth=3, zorder=1)
    axes.plot(pooled, rows, "s", color=INK, markersize=5, label="pooled features")
    axes.plot(embedding, rows, "o", color=ACCENT, markersize=5, label="embedding (penultimate)")
    axes.set_yticks(rows, [each.name for each in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    label_percentages(axes.xaxis)
    axes.set_xlabel("precision at 3: validation images among training images")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    remove_frame(axes)
    return chart


def retrieval_table(reports: Reports, best: ExperimentReport) -> Fragment:
    """Return a table of all models, and one of the classes of the published model."""
    found = {each.name: each.retrieval for each in reports.values() if each.retrieval is not None}
    if not found or best.retrieval is None:
        return paragraph("This release has no other measure of the search.")
    rows: list[list[Part]] = [
        [strong(f"★\N{NO-BREAK SPACE}{name}") if name == best.name else name]
        + [percent(each.value) for each in (*own.embedding.estimates, *own.pooled.estimates)]
        for name, own in found.items()
    ]
    header = ("experiment", *MEASURES, *(f"{name}, pooled" for name in MEASURES))
    hardest = sorted(
        best.retrieval.per_class, key=lambda each: each.embedding.mean_average_precision.value
    )
    classes = [
        [each.label, str(each.support), *map(_with_interval, each.embedding.estimates)]
        for each in hardest[:_MOST_CLASSES]
    ]
    text = f"The classes of {best.name} by its embedding, with 95 % intervals, the hardest first:"
    if len(hardest) > _MOST_CLASSES:
        text = f"The {_MOST_CLASSES} of {len(hardest)} classes of {best.name} with the lowest mAP:"
    shown = table(("class", "queries", *MEASURES), classes)
    return joined([table(header, rows), paragraph(text), shown])


def _with_interval(found: Estimate) -> str:
    low, high = found.interval
    return f"{percent(found.value)} ({percent(low)} to {percent(high)})"


def retrieval_findings(reports: Reports, published: str) -> Fragment:
    """Return the findings on the layers."""
    shown = [each for each in reports.values() if each.precision_at_3 is not None]
    if not shown:
        return paragraph("This release has no measured embedding.")
    best = max(shown, key=lambda each: each.precision_at_3 or 0.0)
    gains = [(each.precision_at_3 or 0.0) - (each.pooled_precision_at_3 or 0.0) for each in shown]
    return paragraph(
        strong("Findings. "),
        f"{best.name} has the best embedding ({percent(best.precision_at_3)}); that of the "
        f"published model has {percent(reports[published].precision_at_3)}. On average, the "
        "penultimate layer differs from the pooled features below it by "
        f"{points(sum(gains) / len(gains))}.",
    )
