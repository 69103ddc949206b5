"""How far answers can be trusted: reliability, prediction sets, unusual pictures."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from PIL import Image

from embeddings.release.uncertainty import PredictionSets, Reliability
from service.client import Client
from service.report.figures.confusion import MOST_IN_TABLE
from service.report.figures.format import count, partly, percent
from service.report.figures.html import Fragment, joined, paragraph, strong, table
from service.report.figures.style import ACCENT, INK, PALE, QUIET, Chart, in_style
from service.schemas import CalibrationReport, ImageRecord, Prediction

_SIDE = 256


@in_style
def reliability_chart(report: CalibrationReport) -> Chart:
    """Accuracy against probability, before and after the temperature."""
    chart = Chart(height=3.8, alt="Reliability curves before and after temperature scaling.")
    before, after = chart.subplots(1, 2, sharey=True)
    _draw(before, report.calibration.before, "as trained")
    temperature = report.calibration.temperature
    _draw(after, report.calibration.after, f"as published, temperature {temperature:.2f}")
    before.set_ylabel("share that is right")
    return chart


def reliability_findings(report: CalibrationReport) -> Fragment:
    """What the curves show, in words."""
    calibration = report.calibration
    temperature = calibration.temperature
    effect = f"makes probabilities {'softer' if temperature > 1 else 'sharper'}"
    if temperature == 1.0:
        effect = "leaves the probabilities as they are"
    return paragraph(
        strong("What it shows. "),
        f"The temperature is {temperature:.2f}: it {effect}. On the validation set, the "
        f"calibration error goes from "
        f"{percent(calibration.before.error)} to {percent(calibration.after.error)}.",
    )


def set_findings(report: CalibrationReport) -> Fragment:
    """What the prediction sets hold, in words and class by class."""
    sets = report.sets
    covered = sorted(sets.per_class, key=lambda each: each.coverage if each.support else 1.0)
    kept = {each.label for each in covered[:MOST_IN_TABLE]}
    rows = [
        [each.label, percent(each.coverage if each.support else None), count(each.support)]
        for each in sets.per_class
        if each.label in kept
    ]
    some = ""
    if len(rows) < len(sets.per_class):
        some = f" {partly(len(rows), len(sets.per_class))} the lowest coverage:"
    return joined(
        [
            paragraph(
                strong("What it shows. "),
                f"{_threshold_in_words(sets)} The "
                f"sets were to hold the true class of {percent(sets.level, 0)} of the photographs; "
                f"on the validation set they hold that of {percent(sets.coverage)}. A set has "
                f"{sets.mean_size:.2f} classes on average; {percent(sets.empty)} of the sets are "
                "empty: there the network is less sure of any class than it is of nine in ten "
                "photographs. The promise holds over all classes together, not for each"
                f"{'.' if some else ':'}{some}",
            ),
            table(("class", "coverage", "validation photographs"), rows),
        ]
    )


def _threshold_in_words(sets: PredictionSets) -> str:
    if sets.threshold == 0:
        return "The tuning part is too small for a threshold, so every class stands in every set."
    return f"A class stands in a set from a probability of {percent(sets.threshold)} on."


def unusual(client: Client, images: list[ImageRecord]) -> Fragment:
    """What the service says of pictures that are no landscapes, beside some that are."""
    made = {
        "a plain grey area": np.full((_SIDE, _SIDE, 3), 128, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8),
        "a chessboard": _chessboard(),
        "lines of writing": _writing(),
    }
    header = ("picture", "label", "its probability", "set", "typicality")
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
                strong("What it shows. "),
                "The network names a class for anything; typicality reveals such images. "
                f"{count(len(scores))} validation photographs drawn at random have a median of "
                f"{middle:.2f}, the lowest {scores[0]:.2f}.",
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
    axes.bar(places, shares, width=0.03, color=PALE, label="photographs (relative)")
    axes.plot(places, [each.accuracy for each in filled], "o-", color=ACCENT, label="accuracy")
    axes.set_title(f"{title}: error {percent(reliability.error)}", color=INK)
    axes.set_xlabel("probability of the predicted class")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
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
