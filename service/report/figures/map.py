"""t-SNE map of the embeddings."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from embeddings.arrays import Doubles
from service.report.figures.format import count, percent, plural
from service.report.figures.html import Fragment, paragraph, strong
from service.report.figures.style import INK, Chart, class_styles, in_style
from service.schemas import Map, MapPoint

_MOST_NAMED = 40

_Names = npt.NDArray[np.str_]


@in_style
def map_chart(found: Map, classes: Sequence[str]) -> Chart:
    """Draw the map, coloured by class, with a ring around each error.

    The 40 most frequent classes are labelled.
    """
    chart = Chart(height=6.2, alt="t-SNE map of images, coloured by class, errors ringed.")
    axes = chart.subplots()
    frequent = Counter(point.label for point in found.points).most_common(_MOST_NAMED)
    named = {label for label, _ in frequent}
    for label, style in class_styles(classes).items():
        x, y = _coordinates([point for point in found.points if point.label == label])
        axes.scatter(x, y, s=24, color=style.colour, marker=style.mark, alpha=0.75, linewidth=0)
        if label in named:
            _name(axes, label, float(np.median(x)), float(np.median(y)))
    x, y = _coordinates(_errors(found))
    axes.scatter(x, y, s=80, facecolor="none", edgecolor=INK, linewidth=1.4, label="misclassified")
    axes.legend(loc="best")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_aspect("equal", adjustable="datalim")
    return chart


def map_findings(found: Map) -> Fragment:
    """Return the findings of the map."""
    labels = np.array([point.label for point in found.points])
    wrong = _errors(found)
    sides = Counter(point.split for point in wrong)
    return paragraph(
        strong("Findings. "),
        f"{plural(len(found.points), 'image')} drawn at random. Of these, "
        f"{percent(_same_class_share(found, labels))} have an image of their own class as nearest "
        "point "
        f"(by chance: {percent(_same_class_by_chance(labels))}). "
        f"{count(len(wrong))} are misclassified (ringed): {count(sides['validation'])} of the "
        f"validation set and {count(sides['train'])} of the training set.",
    )


def _name(axes: Axes, label: str, x: float, y: float) -> None:
    halo = withStroke(linewidth=3.5, foreground="white")
    axes.annotate(
        label,
        (x, y),
        ha="center",
        va="center",
        fontsize=12,
        fontweight="bold",
        path_effects=[halo],
    )


def _same_class_share(found: Map, labels: _Names) -> float:
    x, y = _coordinates(found.points)
    squares = (x[:, np.newaxis] - x) ** 2 + (y[:, np.newaxis] - y) ** 2
    np.fill_diagonal(squares, np.inf)
    return float(np.mean(labels == labels[squares.argmin(axis=1)]))


def _same_class_by_chance(labels: _Names) -> float:
    counts = np.unique(labels, return_counts=True)[1]
    return float((counts * (counts - 1)).sum() / max(len(labels) * (len(labels) - 1), 1))


def _errors(found: Map) -> list[MapPoint]:
    return [point for point in found.points if point.predicted != point.label]


def _coordinates(points: Sequence[MapPoint]) -> tuple[Doubles, Doubles]:
    return np.array([point.x for point in points]), np.array([point.y for point in points])
