"""Leakage: accuracy under a random split, which ignores photographers."""

from service.report.figures.format import percent, points
from service.report.figures.html import Fragment, bullets, joined, paragraph, strong
from service.report.figures.style import (
    ACCENT,
    INK,
    PALE,
    Chart,
    in_style,
    label_percentages,
    remove_frame,
)
from service.schemas import ExperimentList


@in_style
def leakage_chart(comparison: ExperimentList) -> Chart:
    """Draw the validation accuracy under both splits, a line per experiment."""
    pairs = _pairs(comparison)
    chart = Chart(
        height=1.1 + 0.36 * len(pairs),
        alt="Validation accuracy of some experiments under the grouped and under the random split.",
    )
    axes = chart.subplots()
    for row, (_, grouped, random) in enumerate(pairs):
        axes.plot((grouped, random), (row, row), color=PALE, linewidth=4, zorder=1)
    rows = range(len(pairs))
    axes.plot([pair[1] for pair in pairs], rows, "o", color=INK, label="grouped by photographer")
    axes.plot([pair[2] for pair in pairs], rows, "s", color=ACCENT, label="random")
    axes.set_yticks(rows, [name for name, *_ in pairs])
    axes.set_ylim(len(pairs) - 0.5, -0.5)
    label_percentages(axes.xaxis)
    axes.set_xlabel("validation accuracy")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    remove_frame(axes)
    return chart


def leakage_findings(comparison: ExperimentList) -> Fragment:
    """Return the findings of the two splits."""
    pairs = _pairs(comparison)
    if not pairs:
        return paragraph("This release has no experiment under the random split.")
    mean = sum(random - grouped for _, grouped, random in pairs) / len(pairs)
    lines = [
        f"{name}: {percent(grouped)} grouped, {percent(random)} random ({points(random - grouped)})"
        for name, grouped, random in pairs
    ]
    direction = "higher" if mean > 0 else "lower"
    return joined(
        [
            paragraph(
                strong("Findings. "),
                f"Under the random split, accuracy is {abs(100 * mean):.1f} points "
                f"{direction} on average. The validation images differ, so part of that is chance. "
                "The systematic part is leakage: validation images come from the same series as "
                "training images.",
            ),
            bullets(lines),
        ]
    )


def _pairs(comparison: ExperimentList) -> list[tuple[str, float, float]]:
    """Return name, mean accuracy under the grouped split, accuracy under the random one."""
    grouped = {each.name: each.accuracy for each in comparison.experiments}
    return [
        (each.name, grouped[each.name] or 0.0, each.accuracy)
        for each in comparison.random_split
        if each.accuracy is not None and grouped.get(each.name) is not None
    ]
