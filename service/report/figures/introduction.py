"""Data set and release of a report, and licences of the images."""

from collections.abc import Sequence

from embeddings.store.records import GENERATED_SCENES
from service.report.figures.format import plural
from service.report.figures.html import Fragment, element, joined, paragraph, strong
from service.schemas import ExperimentList, ImageRecord, Readiness

_MOST_LISTED = 40
_BANNER = "border:3px solid #b5361c;padding:10px 14px;font-size:1.15em"


def introduction(ready: Readiness, comparison: ExperimentList) -> Fragment:
    """Return name, size and classes of the data set, and the release."""
    release = paragraph(
        "This report describes ",
        strong(ready.data),
        f": {plural(ready.photographs, 'image')} of "
        f"{plural(len(ready.classes), 'class', 'classes')} ({_listed(ready.classes)}). Release ",
        element("code", ready.release),
        f", published model {ready.network}, experiments of the preset {comparison.preset}.",
    )
    if ready.data != GENERATED_SCENES:
        return release
    banner = element(
        "div",
        strong("These are generated scenes, not photographs. "),
        "They were requested, or the photographs could not be downloaded. "
        "The figures of this report do not apply to photographs.",
        style=_BANNER,
    )
    return joined([banner, release])


def _listed(classes: Sequence[str]) -> str:
    more = len(classes) - _MOST_LISTED
    shown = ", ".join(classes[:_MOST_LISTED])
    return f"{shown} and {more} more" if more > 0 else shown


def licence_findings(images: Sequence[ImageRecord]) -> Fragment:
    """Return the licences of the images, the reason for linking them."""
    licences = [made.licence for each in images if (made := each.attribution) and made.licence]
    if not licences:
        return paragraph("Photographers and licences of these images are unknown.")
    rigid = sum("ND" in licence for licence in licences)
    return paragraph(
        f"The images have {plural(len(set(licences)), 'different licence')}; "
        f"{plural(rigid, 'image allows', 'images allow')} no derivatives. The "
        "committed notebook therefore contains no pixels: each image is linked from its published "
        "address, with title, photographer and licence."
    )
