"""Split: training and validation images of each class, and their photographers."""

from collections import Counter
from collections.abc import Iterable, Sequence

from embeddings.store.attribution import Attribution
from service.client import Client
from service.report.figures.format import NO_LABEL, count, partly, percent, plural
from service.report.figures.html import Fragment, joined, paragraph, strong
from service.report.figures.style import Chart, class_styles, in_style, remove_frame
from service.schemas import ExperimentList, ImageRecord

_PAGE = 10_000
_MOST_CLASSES = 40


def every_image(client: Client) -> tuple[ImageRecord, ...]:
    """Return the records of all stored images."""
    page = client.images(limit=_PAGE)
    found = page.images
    while page.images and len(found) < page.total:
        page = client.images(limit=_PAGE, offset=len(found))
        found += page.images
    return found


@in_style
def split_chart(images: Sequence[ImageRecord], classes: Sequence[str]) -> Chart:
    """Draw the number of training and validation images of each class.

    Of more than 40 classes, the 40 with the fewest images are shown.
    """
    style = class_styles(classes)
    sides = _sides(images)
    number = len(classes)
    if number > _MOST_CLASSES:
        sizes = {label: sides[label, "train"] + sides[label, "validation"] for label in classes}
        classes = sorted(classes, key=sizes.__getitem__)[:_MOST_CLASSES]
    chart = Chart(
        height=1.0 + 0.36 * len(classes),
        alt="Bar chart of the training and validation images of each class.",
    )
    axes = chart.subplots()
    for row, label in enumerate(classes):
        train, validation = sides[label, "train"], sides[label, "validation"]
        colour = style[label].colour
        axes.barh(row, train, height=0.66, color=colour, alpha=0.4)
        axes.barh(row, validation, left=train, height=0.66, color=colour)
        axes.annotate(
            f"{count(train)} + {count(validation)}  "
            f"({percent(validation / max(train + validation, 1))})",
            (train + validation, row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(classes)), classes)
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.set_xlim(left=0)
    axes.set_xlabel("images: training (light) + validation (full colour)")
    if number > len(classes):
        axes.set_title(f"{partly(len(classes), number)} the fewest images")
    remove_frame(axes)
    axes.grid(visible=False)
    return chart


def split_findings(images: Sequence[ImageRecord], comparison: ExperimentList) -> Fragment:
    """Return the findings of the split."""
    sides = _sides(images)
    shares = {
        label: sides[label, "validation"]
        / max(sides[label, "train"] + sides[label, "validation"], 1)
        for label in comparison.classes
    }
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    overall = comparison.validation / len(images)
    return joined(
        [
            paragraph(
                strong("Findings. "),
                f"{count(comparison.train)} of {plural(len(images), 'image')} are for "
                f"training and {count(comparison.validation)} ({percent(overall)}) for validation. "
                f"Per class, that share ranges from "
                f"{percent(shares[least])} ({least}) to {percent(shares[most])} ({most}). Of the "
                f"training images, {count(comparison.tuning)} form the tuning part.",
            ),
            paragraph(_photographers_findings(images)),
        ]
    )


def photographer_of(made: Attribution | None) -> str | None:
    """Return a key of the photographer; None if unknown."""
    if made is None:
        return None
    # Two people may share a name; the address of a page begins with its photographer.
    return made.page.rsplit("/", 1)[0] if made.page else made.photographer


def _photographers_findings(images: Sequence[ImageRecord]) -> str:
    train = _photographers(record for record in images if record.split == "train")
    validation = _photographers(record for record in images if record.split == "validation")
    if not train | validation:
        return "No photographer is known, so groups consist of near-duplicates alone."
    known = f"The images are by {plural(len(train | validation), 'photographer')}, of whom "
    if both := len(train & validation):
        return (
            known + f"{count(both)} have images on both sides: the split of the data set is kept."
        )
    return known + f"{count(len(validation))} are in the validation set and none on both sides."


def _photographers(images: Iterable[ImageRecord]) -> set[str]:
    return {maker for record in images if (maker := photographer_of(record.attribution))}


def _sides(images: Iterable[ImageRecord]) -> Counter[tuple[str, str]]:
    return Counter((record.label or NO_LABEL, record.split) for record in images)
