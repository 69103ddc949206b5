"""Which data set and which release a report speaks of, and whose photographs they are."""

from collections.abc import Sequence

from embeddings.store.records import GENERATED_SCENES
from service.report.figures.format import plural
from service.report.figures.html import Fragment, element, joined, paragraph, strong
from service.schemas import ExperimentList, ImageRecord, Readiness

_MOST_LISTED = 40
_BANNER = "border:3px solid #b5361c;padding:10px 14px;font-size:1.15em"


def introduction(ready: Readiness, comparison: ExperimentList) -> Fragment:
    """Which data set and which release the report speaks of."""
    release = paragraph(
        "This report speaks of ",
        strong(ready.data),
        f": {plural(ready.photographs, 'picture')} of "
        f"{plural(len(ready.classes), 'class', 'classes')} ({_listed(ready.classes)}). Release ",
        element("code", ready.release),
        f", published network {ready.network}, experiments of the preset {comparison.preset}.",
    )
    if ready.data != GENERATED_SCENES:
        return release
    banner = element(
        "div",
        strong("These are generated scenes, not photographs. "),
        "A program painted them: scenes were asked for, or no photographs could be had. Wherever "
        "this report says photograph, read painted scene; its figures say nothing of photographs.",
        style=_BANNER,
    )
    return joined([banner, release])


def _listed(classes: Sequence[str]) -> str:
    more = len(classes) - _MOST_LISTED
    shown = ", ".join(classes[:_MOST_LISTED])
    return f"{shown} and {more} more" if more > 0 else shown


def licence_findings(images: Sequence[ImageRecord]) -> Fragment:
    """Why no photograph is in the notebook itself."""
    licences = [made.licence for each in images if (made := each.attribution) and made.licence]
    if not licences:
        return paragraph("Nothing is known of makers and licences of these pictures.")
    rigid = sum("ND" in licence for licence in licences)
    return paragraph(
        f"The photographs come under {plural(len(set(licences)), 'different licence')}; "
        f"{plural(rigid, 'photograph allows', 'photographs allow')} no derivatives. So the "
        "committed notebook holds none of their pixels: each is shown from its published address, "
        "with its title, maker and licence."
    )
