"""Photographs beside what the network says of them, always with whose they are.

A photograph is shown from its published address, so that the notebook holds no copy of it: the
licences differ. A report for one's own eyes may embed the thumbnails of the service instead.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from embeddings.store.records import Attribution
from service.client import Client
from service.report.figures.format import probability
from service.report.figures.html import Fragment, Part, element, joined, link, strong, void
from service.schemas import (
    ImageRecord,
    LikelyLabelError,
    Misclassification,
    Neighbor,
    Neighborhood,
    Prediction,
)

_HEIGHT = "110"
_FIT = "height:110px;max-width:170px;object-fit:contain;border-radius:3px"
_BOX = "display:inline-block;width:150px;padding:22px 8px;border:1px solid #8a97a3"
_CELL = "vertical-align:top;text-align:left;padding:8px 12px;width:190px"
_SMALL = "color:#5d6b78"
_LIKELY = 3


@dataclass(frozen=True)
class Gallery:
    """Shows photographs of a service."""

    client: Client
    thumbnails: bool = False
    """Whether to embed the service's thumbnails."""

    def errors(self, found: Sequence[Misclassification]) -> Fragment:
        """Misclassified photographs, each in a row with its heat map and its nearest ones."""
        cards: list[Fragment] = []
        for error in found:
            cards += [self._error(error), self._heat(error)]
            cards += [self._neighbor(neighbor) for neighbor in error.nearest]
        return _grid(cards, 2 + max((len(error.nearest) for error in found), default=0))

    def label_issues(self, found: Sequence[LikelyLabelError], columns: int = 4) -> Fragment:
        """Photographs whose label is likely wrong, with the label that is suggested."""
        return _grid([self._label_issue(issue) for issue in found], columns)

    def neighbors(
        self, queries: Sequence[tuple[ImageRecord, Prediction, Neighborhood]]
    ) -> Fragment:
        """Photographs, each in a row with its prediction and the ones nearest to it."""
        cards: list[Fragment] = []
        for query, prediction, neighborhood in queries:
            cards.append(self._query(query, prediction))
            cards += [self._neighbor(neighbor) for neighbor in neighborhood.neighbors]
        return _grid(cards, 1 + max((len(found.neighbors) for *_, found in queries), default=0))

    def picture(self, identifier: str, label: str, attribution: Attribution | None) -> Fragment:
        """The photograph itself; a box with its class where it has no published address."""
        if self.thumbnails:
            jpeg = b64encode(self.client.thumbnail(identifier)).decode()
            source = f"data:image/jpeg;base64,{jpeg}"
        elif attribution and (attribution.source or "").startswith("https://"):
            source = attribution.source or ""
        else:
            return _box(label, "make report shows it")
        title = (attribution and attribution.title) or identifier
        return void(
            "img",
            src=source,
            alt=f"A photograph of class {label}: {title}",
            height=_HEIGHT,
            style=_FIT,
            loading="lazy",
        )

    def _error(self, error: Misclassification) -> Fragment:
        said = joined([strong(error.predicted), f" instead of {error.label}"])
        likely = probable(error.probabilities, also=error.label)
        return self._card(error.id, error.label, error.attribution, said, likely)

    def _heat(self, error: Misclassification) -> Fragment:
        if error.heatmap is None:
            return _box(error.predicted, "there is no heat map of it")
        if not self.thumbnails:
            return _box(error.predicted, "make report shows what speaks for it")
        jpeg = b64encode(self.client.heatmap(error.id)).decode()
        alt = f"Heat map: what in this photograph of class {error.label} speaks for "
        return joined(
            [
                void(
                    "img",
                    src=f"data:image/jpeg;base64,{jpeg}",
                    alt=f"{alt}{error.predicted}",
                    height=_HEIGHT,
                    style=_FIT,
                ),
                f"what speaks for {error.predicted}",
            ],
            void("br"),
        )

    def _label_issue(self, issue: LikelyLabelError) -> Fragment:
        said = joined([strong(issue.suggested), f" rather than {issue.label}?"])
        chances = (
            f"{issue.suggested} {probability(issue.suggested_probability)}, "
            f"{issue.label} {probability(issue.label_probability)} ({issue.split})"
        )
        return self._card(issue.id, issue.label, issue.attribution, said, chances)

    def _query(self, record: ImageRecord, prediction: Prediction) -> Fragment:
        right = "✓" if prediction.label == record.label else f"✗, it is {record.label}"
        said = joined([strong(f"Predicted {prediction.label}"), f" {right}"])
        likely = probable(prediction.probabilities)
        return self._card(record.id, record.label, record.attribution, said, likely)

    def _neighbor(self, neighbor: Neighbor) -> Fragment:
        said = joined([strong(neighbor.label), f" at distance {neighbor.distance:.2f}"])
        side = f"({neighbor.split})"
        return self._card(neighbor.id, neighbor.label, neighbor.attribution, said, side)

    def _card(
        self, identifier: str, label: str, attribution: Attribution | None, said: Part, more: Part
    ) -> Fragment:
        lines: list[Part] = [self.picture(identifier, label, attribution), said, more]
        lines.append(element("small", credit(identifier, attribution), style=_SMALL))
        return joined(lines, void("br"))


def credit(identifier: str, attribution: Attribution | None) -> Fragment:
    """Title, photographer and licence of a photograph, with their links."""
    if attribution is None:
        return joined([identifier])
    parts: list[Part] = [link(attribution.page, attribution.title or identifier)]
    if attribution.photographer:
        parts.append(f" by {attribution.photographer}")
    if attribution.licence:
        parts += [", ", link(attribution.licence_url, attribution.licence)]
    return joined(parts)


def probable(probabilities: dict[str, float], also: str | None = None) -> Fragment:
    """The most probable classes, line by line, and one more if it is not among them."""
    ranked = sorted(probabilities, key=lambda label: -probabilities[label])
    named = ranked[:_LIKELY]
    if also is not None and also not in named:
        named[-1] = also
    return joined((f"{label} {probability(probabilities[label])}" for label in named), void("br"))


def _box(label: str, note: str) -> Fragment:
    """What stands in the place of a picture."""
    return element("span", strong(label), void("br"), element("small", note), style=_BOX)


def _grid(cards: Sequence[Fragment], columns: int) -> Fragment:
    rows = (cards[start : start + columns] for start in range(0, len(cards), columns))
    cells = (
        element(
            "tr", *(element("td", card, align="left", valign="top", style=_CELL) for card in row)
        )
        for row in rows
    )
    return element("table", element("tbody", *cells))
