"""Retrieval: precision at 3 per model and layer."""

from service.report.figures.comparison import Reports
from service.report.figures.format import percent, points
from service.report.figures.html import Fragment, paragraph, strong
from service.report.figures.style import (
    ACCENT,
    INK,
    PALE,
    Chart,
    in_style,
    label_percentages,
    remove_frame,
)


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
