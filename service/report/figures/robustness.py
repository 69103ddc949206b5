"""Robustness: accuracy and P@3 of the best model of each family on corrupted images."""

from collections.abc import Iterator
from statistics import mean
from typing import Literal

from matplotlib.axes import Axes

from embeddings.release.robustness import (
    CorruptionName,
    CorruptionRobustness,
    ModelRobustness,
    Robustness,
)
from service.report.figures.format import count, enumeration, percent, points, standard_error, width
from service.report.figures.html import Fragment, Part, element, joined, paragraph, strong, table
from service.report.figures.style import Chart, class_styles, in_style, label_percentages

Metric = Literal["accuracy", "precision_at_3"]

_METRICS: dict[Metric, str] = {"accuracy": "accuracy", "precision_at_3": "precision at 3"}
_NAMES: dict[CorruptionName, str] = {
    "blur": "blur",
    "noise": "noise",
    "jpeg": "JPEG compression",
    "exposure": "underexposure",
    "crop": "small crops",
    "grey": "grey",
}
_COLUMNS = 3


@in_style
def robustness_chart(robustness: Robustness, metric: Metric) -> Chart:
    """Draw a metric against the strength of each corruption, with a line for each model."""
    shown = [each.corruption for each in robustness.models[0].corruptions]
    rows = -(-len(shown) // _COLUMNS)
    chart = Chart(
        height=0.5 + 2.2 * rows,
        alt=f"{_METRICS[metric].capitalize()} on corrupted validation images, by strength.",
    )
    grid = chart.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, shown, strict=False):
        _draw(axes, robustness, name, metric)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    grid[0, 0].set_ylim(0, 1)
    grid[0, 0].set_xticks(range(6))
    label_percentages(grid[0, 0].yaxis)
    for axes in grid[:, 0]:
        axes.set_ylabel(_METRICS[metric])
    for axes in grid[-1]:
        axes.set_xlabel("strength")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    chart.legend(handles, labels, loc="outside upper left", ncols=3)
    return chart


def robustness_table(robustness: Robustness) -> Fragment:
    """Return a table with a row for each model and corruption: accuracy / P@3 by strength."""
    strengths = [step.strength for step in robustness.models[0].corruptions[0].steps]
    header = ("model", "corruption", "clean", *map(str, strengths))
    rows = [
        [
            model.experiment,
            f"{_NAMES[each.corruption]}: {_values(each)}",
            _both(model.accuracy, model.precision_at_3),
            *(_both(step.accuracy, step.precision_at_3) for step in each.steps),
        ]
        for model in robustness.models
        for each in model.corruptions
    ]
    return joined(
        [
            paragraph(
                "Accuracy / precision at 3 in per cent, by strength; the values after each "
                "corruption are those of its parameter."
            ),
            table(header, rows, text_columns=2),
        ]
    )


def robustness_findings(robustness: Robustness | None) -> Fragment:
    """Return the findings on corrupted images."""
    if robustness is None:
        return paragraph(
            strong("Findings. "),
            "The models were not measured on corrupted images; ",
            element("code", "belvedere robustness"),
            " measures them, and the next published release contains the figures.",
        )
    error = max(standard_error(each.accuracy, robustness.validation) for each in robustness.models)
    return paragraph(
        strong("Findings. "),
        *(part for model in robustness.models for part in _losses(model)),
        *_most_accurate(robustness),
        f"Without a corruption, an accuracy on {count(robustness.validation)} images has a "
        f"standard error of up to {width(error)}, which counts images and not series.",
    )


def _losses(model: ModelRobustness) -> Iterator[Part]:
    by_name = {each.corruption: each.steps[-1].accuracy for each in model.corruptions}
    worst, mildest = min(by_name, key=by_name.__getitem__), max(by_name, key=by_name.__getitem__)
    steps = [step for each in model.corruptions for step in each.steps]
    yield element("code", model.experiment)
    yield (
        f" has an accuracy of {percent(model.accuracy)} on the images as stored, and of "
        f"{percent(mean(step.accuracy for step in steps))} on average over all corruptions and "
        f"strengths (precision at 3: {percent(model.precision_at_3)} and "
        f"{percent(mean(step.precision_at_3 for step in steps))}). At the greatest strength, "
        f"{_NAMES[worst]} changes the accuracy most ({points(by_name[worst] - model.accuracy)}), "
        f"{_NAMES[mildest]} least ({points(by_name[mildest] - model.accuracy)}). "
    )


def _most_accurate(robustness: Robustness) -> Iterator[Part]:
    if len(robustness.models) == 1:
        return
    best = max(robustness.models, key=lambda each: each.accuracy)
    others = [
        _NAMES[each.corruption]
        for number, each in enumerate(best.corruptions)
        if max(model.corruptions[number].steps[-1].accuracy for model in robustness.models)
        > each.steps[-1].accuracy
    ]
    yield "The model with the highest accuracy on the images as stored, "
    yield element("code", best.experiment)
    yield (
        f", is less accurate than another one at the greatest strength of {enumeration(others)}. "
        if others
        else ", has the highest accuracy at the greatest strength of every corruption, too. "
    )


def _values(corruption: CorruptionRobustness) -> str:
    values = ", ".join(f"{step.value:g}" for step in corruption.steps)
    return f"{values} ({corruption.unit})"


def _both(accuracy: float, precision: float) -> str:
    return f"{100 * accuracy:.1f} / {100 * precision:.1f}"


def _draw(axes: Axes, robustness: Robustness, name: CorruptionName, metric: Metric) -> None:
    styles = class_styles([model.experiment for model in robustness.models])
    for model in robustness.models:
        (steps,) = (each.steps for each in model.corruptions if each.corruption == name)
        style = styles[model.experiment]
        axes.plot(
            [0, *(step.strength for step in steps)],
            [getattr(model, metric), *(getattr(step, metric) for step in steps)],
            marker="o",
            markersize=4,
            clip_on=False,
            color=style.colour,
            label=f"{model.experiment} ({model.family})",
        )
    axes.set_title(_NAMES[name])
