"""Simulated reviews: accuracy after corrections in the order of the queue and at random."""

from collections.abc import Iterator

from matplotlib.axes import Axes

from embeddings.release.label_loop import LabelLoop, SimulatedAccuracy, SimulatedReview
from service.report.figures.format import count, p_value, percent, plural, points, signed
from service.report.figures.html import Fragment, element, joined, paragraph, strong, table
from service.report.figures.style import (
    ACCENT,
    INK,
    PALE,
    QUIET,
    Chart,
    in_style,
    label_percentages,
)

_IMAGES = {"class": "images drawn at random", "image": "ambiguous images"}
_CLASSES = {
    "class": "confused as their class is",
    "image": "with the class that they are confused with",
}
_HEADER = (
    "checked",
    "wrong ones found: queue",
    "at random",
    "accuracy: queue",
    "at random",
    "difference",
    "95 % interval",
    "p, corrected",
    "verdict",
)


@in_style
def loop_chart(loop: LabelLoop) -> Chart:
    """Draw the accuracies against the number of checked images, with intervals."""
    chart = Chart(
        height=3.6, alt="Accuracy after corrections in the order of the queue and at random."
    )
    panels = chart.subplots(1, len(loop.reviews), sharey=True, squeeze=False)[0]
    for axes, review in zip(panels, loop.reviews, strict=True):
        _draw(axes, review)
    panels[0].set_ylabel("validation accuracy")
    label_percentages(panels[0].yaxis)
    panels[-1].legend(loc="lower right")
    return chart


def loop_table(loop: LabelLoop) -> Fragment:
    """Return a table for each kind of wrong labels, with a row for each number of images."""
    return joined(part for review in loop.reviews for part in _with_heading(review))


def loop_findings(loop: LabelLoop | None) -> Fragment:
    """Return the conclusion of the simulated reviews."""
    if loop is None:
        return paragraph(
            strong("Findings. "),
            "The release has no simulated reviews; ",
            element("code", "belvedere label-loop"),
            " measures them, and the next published release contains them.",
        )
    steps = [step for review in loop.reviews for step in review.steps]
    better, worse = (
        sum(step.verdict == verdict for step in steps) for verdict in ("better", "worse")
    )
    return paragraph(
        strong("Findings. "),
        f"In {plural(loop.repeats, 'repeat')}, {percent(loop.share, 0)} of the "
        f"{count(loop.train)} training labels were made wrong, and a head of ",
        element("code", loop.experiment),
        f" was trained after each step. {_lost(loop)} Of {plural(len(steps), 'comparison')} "
        f"between the queue and images at random, the queue is better in {better} and worse in "
        f"{worse}; the others show no evidence of a difference.",
    )


def _lost(loop: LabelLoop) -> str:
    lost = [review.everything.accuracy - review.none.accuracy for review in loop.reviews]
    effects = " and ".join(points(-each) for each in lost)
    return f"The wrong labels alone change the accuracy by {effects}."


def _with_heading(review: SimulatedReview) -> Iterator[Fragment]:
    yield paragraph(
        f"{plural(review.wrong, 'wrong label')}, {_IMAGES[review.noise]}, "
        f"{_CLASSES[review.noise]}: accuracy "
        f"{percent(review.none.accuracy)} with all of them, {percent(review.everything.accuracy)} "
        "without any."
    )
    rows = [
        [
            count(step.checked),
            count(round(step.found_by_queue)),
            count(round(step.found_at_random)),
            percent(step.queue.accuracy),
            percent(step.random.accuracy),
            signed(step.difference),
            f"{signed(step.interval[0])} to {signed(step.interval[1])}",
            p_value(step.p_adjusted),
            step.verdict,
        ]
        for step in review.steps
    ]
    yield table(_HEADER, rows, text_columns=0)


def _draw(axes: Axes, review: SimulatedReview) -> None:
    everything, checked = review.everything.accuracy, [0, *(each.checked for each in review.steps)]
    axes.axhline(everything, color=QUIET, linestyle=":", label="no wrong labels")
    for name, colour, accuracies in (
        ("order of the queue", ACCENT, [each.queue for each in review.steps]),
        ("at random", INK, [each.random for each in review.steps]),
    ):
        _curve(axes, name, colour, checked, [review.none, *accuracies])
    axes.set_title(f"{count(review.wrong)} wrong labels, {_IMAGES[review.noise]}")
    axes.set_xlabel("checked images")


def _curve(
    axes: Axes, name: str, colour: str, checked: list[int], accuracies: list[SimulatedAccuracy]
) -> None:
    low, high = zip(*(each.interval for each in accuracies), strict=True)
    axes.fill_between(checked, low, high, color=PALE if colour == INK else colour, alpha=0.25)
    axes.plot(checked, [each.accuracy for each in accuracies], "o-", color=colour, label=name)
