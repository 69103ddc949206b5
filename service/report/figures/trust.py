"""Uncertainty: reliability, prediction sets and typicality of unusual images."""

import io

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from embeddings.release.uncertainty import PredictionSets, Reliability
from service.client import Client
from service.report.figures.confusion import MOST_IN_TABLE
from service.report.figures.format import count, partly, percent
from service.report.figures.html import Fragment, joined, paragraph, strong, table
from service.report.figures.style import (
    ACCENT,
    INK,
    PALE,
    QUIET,
    Chart,
    in_style,
    label_percentages,
)
from service.schemas import CalibrationReport, ImageRecord, Prediction

_SIDE = 256


@in_style
def reliability_chart(report: CalibrationReport) -> Chart:
    """Draw accuracy against probability, before and after temperature scaling."""
    chart = Chart(height=3.8, alt="Reliability curves before and after temperature scaling.")
    before, after = chart.subplots(1, 2, sharey=True)
    _draw(before, report.calibration.before, "as trained")
    temperature = report.calibration.temperature
    _draw(after, report.calibration.after, f"as published, temperature {temperature:.2f}")
    before.set_ylabel("share of correct predictions")
    return chart


def reliability_findings(report: CalibrationReport) -> Fragment:
    """Return the findings of the reliability curves."""
    calibration = report.calibration
    temperature = calibration.temperature
    effect = f"makes probabilities {'less' if temperature > 1 else 'more'} extreme"
    if temperature == 1.0:
        effect = "does not change the probabilities"
    return paragraph(
        strong("Findings. "),
        f"The temperature is {temperature:.2f}: it {effect}. On the validation set, the expected "
        f"calibration error changes from "
        f"{percent(calibration.before.error)} to {percent(calibration.after.error)}.",
    )


def set_findings(report: CalibrationReport) -> Fragment:
    """Return coverage and size of the prediction sets, overall and per class."""
    sets = report.sets
    covered = sorted(sets.per_class, key=lambda each: each.coverage if each.support else 1.0)
    kept = {each.label for each in covered[:MOST_IN_TABLE]}
    rows = [
        [
            each.label,
            percent(each.threshold),
            count(each.calibrated_on),
            percent(each.coverage if each.support else None),
            count(each.support),
        ]
        for each in sets.per_class
        if each.label in kept
    ]
    some = ""
    if len(rows) < len(sets.per_class):
        some = f" {partly(len(rows), len(sets.per_class))} the lowest coverage:"
    return joined(
        [
            paragraph(
                strong("Findings. "),
                f"{_threshold_findings(sets)} The sets are built to contain the true class of "
                f"{percent(sets.level, 0)} of the images of each class; on the validation set they "
                f"contain that of {percent(sets.coverage)}. A set has {sets.mean_size:.2f} classes "
                f"on average; {percent(sets.empty)} of the sets are empty: no class is as probable "
                f"as its threshold{'.' if some else ':'}{some}",
            ),
            table(("class", "threshold", "from images", "coverage", "validation images"), rows),
        ]
    )


def _threshold_findings(sets: PredictionSets) -> str:
    if not sets.thresholds.any():
        return "The known images are too few for thresholds, so every set contains every class."
    return "A set contains each class with a probability of at least the threshold of the class."


def unusual(client: Client, images: list[ImageRecord]) -> Fragment:
    """Return predictions and typicality of synthetic images, and typicality of stored ones."""
    made = {
        "plain grey": np.full((_SIDE, _SIDE, 3), 128, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8),
        "chessboard": _chessboard(),
        "lines of text": _writing(),
    }
    header = ("image", "label", "its probability", "set", "typicality")
    rows = [_answer(name, client.predict(image=_png(image))) for name, image in made.items()]
    answers = [client.predict(each.id) for each in images]
    scores = sorted(answer.typicality for answer in answers)
    if not scores:
        return table(header, rows)
    middle = scores[len(scores) // 2]
    return joined(
        [
            table(header, rows),
            paragraph(
                strong("Findings. "),
                "The model predicts a class for any image; the typicality shows unusual ones. "
                f"For {count(len(scores))} validation images drawn at random, the median is "
                f"{middle:.2f} and the lowest value {scores[0]:.2f}.",
            ),
        ]
    )


def _answer(name: str, answer: Prediction) -> list[str]:
    probability = percent(answer.probabilities[answer.label])
    members = ", ".join(answer.set) or "none"
    return [name, answer.label, probability, members, f"{answer.typicality:.2f}"]


def _draw(axes: Axes, reliability: Reliability, title: str) -> None:
    axes.plot((0, 1), (0, 1), color=QUIET, linewidth=1, linestyle=":")
    filled = [each for each in reliability.bins if each.count]
    largest = max((each.count for each in filled), default=1)
    shares = [each.count / largest for each in filled]
    places = [each.confidence for each in filled]
    axes.bar(places, shares, width=0.03, color=PALE, label="images (relative)")
    axes.plot(places, [each.accuracy for each in filled], "o-", color=ACCENT, label="accuracy")
    axes.set_title(f"{title}: error {percent(reliability.error)}", color=INK)
    axes.set_xlabel("probability of the predicted class")
    for axis in (axes.xaxis, axes.yaxis):
        label_percentages(axis)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.05)
    axes.legend(loc="upper left")


def _chessboard() -> np.ndarray:
    rows, columns = np.indices((_SIDE, _SIDE)) // (_SIDE // 8)
    return np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)


def _writing() -> np.ndarray:
    page = np.full((_SIDE, _SIDE, 3), 250, np.uint8)
    rng = np.random.default_rng(1)
    for top in range(12, _SIDE - 12, 14):
        marks = rng.random(_SIDE // 2) < 0.55
        page[top : top + 7, : 2 * len(marks)][:, np.repeat(marks, 2)] = 30
    page[:, :16] = page[:, -16:] = 250
    return page


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
