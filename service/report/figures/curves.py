"""Learning curves, and the gap between training and tuning accuracy."""

import math
from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from embeddings.release.reports import Curves, ExperimentReport
from service.report.figures.format import percent, plural, points
from service.report.figures.html import Fragment, paragraph, strong
from service.report.figures.style import (
    ACCENT,
    INK,
    PALE,
    QUIET,
    Chart,
    in_style,
    label_percentages,
)

_COLUMNS = 3
_TITLE_WIDTH = 26
_HEADROOM = 1.15


def gap(curves: Curves) -> float | None:
    """Return training accuracy minus tuning accuracy after the last epoch.

    None without a tuning part or without curves.
    """
    learned, held_out = last(curves.accuracy), last(curves.tuning_accuracy)
    return None if learned is None or held_out is None else learned - held_out


def last(values: Sequence[float]) -> float | None:
    """Return the value after the last epoch; None without curves."""
    return values[-1] if values else None


@in_style
def learning_curves(report: ExperimentReport) -> Chart:
    """Draw loss and accuracy of one model per epoch."""
    chart = Chart(
        height=3.1,
        alt=f"Loss and accuracy of {report.name} per epoch, training part and tuning part.",
    )
    losses, accuracies = chart.subplots(1, 2)
    curves = report.curves
    _draw_pair(losses, curves.loss, curves.tuning_loss)
    losses.set_title("Cross-entropy")
    highest = max((*curves.loss, *curves.tuning_loss), default=0.0)
    losses.set_ylim(0, _HEADROOM * highest or 1.0)
    if curves.tuning_loss:
        _mark_lowest(losses, curves.tuning_loss)
    _draw_pair(accuracies, curves.accuracy, curves.tuning_accuracy)
    accuracies.set_title("Accuracy")
    label_percentages(accuracies.yaxis)
    if curves.accuracy:
        accuracies.legend(loc="lower right")
    return chart


@in_style
def technique_panels(base: ExperimentReport, techniques: Mapping[str, ExperimentReport]) -> Chart:
    """Draw the accuracy per epoch of the baseline and of each technique, side by side."""
    shown = [base, *techniques.values()]
    columns = min(_COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    chart = Chart(
        height=2.6 * rows,
        alt="Accuracy per epoch on the training and the tuning part, one panel per model.",
    )
    grid = list(chart.subplots(rows, columns, sharey=True, squeeze=False).flat)
    for axes, report in zip(grid, shown, strict=False):
        _draw_panel(axes, report, base)
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    return chart


def curve_findings(report: ExperimentReport) -> Fragment:
    """Return the findings of the learning curves of one model."""
    curves = report.curves
    said = strong("Findings. ")
    if not curves.loss:
        return paragraph(said, f"{report.name} was fitted in one step and has no curves.")
    learned = (
        f"After {plural(len(curves.loss), 'epoch')}, the accuracy is "
        f"{percent(curves.accuracy[-1])} "
        "on the training images"
    )
    if not curves.tuning_loss:
        return paragraph(said, f"{learned}. There is no tuning part.")
    return paragraph(
        said,
        f"{learned} and {percent(last(curves.tuning_accuracy))} on the tuning part: "
        f"a gap of {points(gap(curves))}. {_course(curves)}",
    )


def _course(curves: Curves) -> str:
    lowest = int(np.argmin(curves.tuning_loss))
    if lowest == len(curves.tuning_loss) - 1:
        return "The loss on the tuning part is lowest in the last epoch."
    least, final = curves.tuning_loss[lowest], curves.tuning_loss[-1]
    rise = f"{percent(final / least - 1)} higher" if least else f"{final:.3f}"
    course = (
        f"The loss on the tuning part is lowest after epoch {lowest + 1} and {rise} after the last"
    )
    if curves.loss[-1] < curves.loss[lowest]:
        return f"{course}, while the training loss continues to fall."
    return f"{course}."


def _mark_lowest(axes: Axes, losses: Sequence[float]) -> None:
    lowest = int(np.argmin(losses))
    axes.plot(lowest + 1, losses[lowest], "o", color=ACCENT, markersize=5)
    axes.annotate(
        "lowest",
        (lowest + 1, losses[lowest]),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        color=ACCENT,
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )


def _draw_panel(axes: Axes, report: ExperimentReport, base: ExperimentReport) -> None:
    curves = report.curves
    _draw_pair(axes, curves.accuracy, curves.tuning_accuracy)
    if report.name != base.name and base.curves.tuning_accuracy:
        axes.plot(
            _epochs(base.curves.tuning_accuracy),
            base.curves.tuning_accuracy,
            linestyle=":",
            color=ACCENT,
            label=f"tuning, {base.name}",
        )
    axes.set_title(fill(report.name, _TITLE_WIDTH))
    label_percentages(axes.yaxis)
    axes.xaxis.set_tick_params(labelbottom=True)
    if curves.accuracy:
        axes.legend(loc="lower right", title=f"final gap: {points(gap(curves))}")


def _draw_pair(axes: Axes, fit: Sequence[float], tuning: Sequence[float]) -> None:
    epochs = _epochs(fit)
    if tuning:
        axes.fill_between(epochs, fit, tuning, color=PALE, alpha=0.6, linewidth=0)
        axes.plot(epochs, tuning, color=INK, linewidth=2.2, label="tuning (held out)")
    if fit:
        axes.plot(epochs, fit, color=QUIET, linewidth=1.8, label="training")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _epochs(values: Sequence[float]) -> range:
    return range(1, len(values) + 1)
