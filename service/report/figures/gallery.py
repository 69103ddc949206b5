"""Gallery of images with predictions, neighbours and attribution.

An image is linked from its published address, so that the notebook contains no copy of it, since
licences differ. A private report may embed the thumbnails of the service instead.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from embeddings.store.attribution import Attribution
from service.client import Client
from service.report.figures.format import NO_LABEL, probability
from service.report.figures.html import Fragment, Part, element, joined, link, strong, void
from service.schemas import (
    ImageRecord,
    LikelyLabelError,
    Misclassification,
    Neighbor,
    Neighborhood,
    Prediction,
    ShownStagedQuery,
    ShownStageNeighbor,
)

_HEIGHT = "110"
_FIT = "height:110px;max-width:170px;object-fit:contain;border-radius:3px"
_BOX = "display:inline-block;width:150px;padding:22px 8px;border:1px solid #8a97a3"
_CELL = "vertical-align:top;text-align:left;padding:8px 12px;width:190px"
_SMALL = "color:#5d6b78"
_LIKELY = 3
_NEAREST = 3


@dataclass(frozen=True)
class Gallery:
    """Gallery of images of a service."""

    client: Client
    thumbnails: bool = False
    """True to embed the thumbnails of the service."""

    def errors(self, found: Sequence[Misclassification]) -> Fragment:
        """Return misclassified images, each in a row with its heat map and its neighbours."""
        cards: list[Fragment] = []
        for error in found:
            cards += [self._error(error), self._heat(error)]
            cards += [self._neighbor(neighbor) for neighbor in error.nearest]
        return _grid(cards, 2 + max((len(error.nearest) for error in found), default=0))

    def label_issues(self, found: Sequence[LikelyLabelError], columns: int = 4) -> Fragment:
        """Return likely label errors with the suggested label."""
        return _grid([self._label_issue(issue) for issue in found], columns)

    def neighbors(
        self, queries: Sequence[tuple[ImageRecord, Prediction, Neighborhood]]
    ) -> Fragment:
        """Return images, each in a row with its prediction and its neighbours."""
        cards: list[Fragment] = []
        for query, prediction, neighborhood in queries:
            cards.append(self._query(query, prediction))
            cards += [self._neighbor(neighbor) for neighbor in neighborhood.neighbors]
        return _grid(cards, 1 + max((len(found.neighbors) for *_, found in queries), default=0))

    def stages(self, queries: Sequence[ShownStagedQuery]) -> Fragment:
        """Return a row for each image and kind of representation, with the nearest images."""
        cards: list[Fragment] = []
        for query in queries:
            for stage in query.stages:
                kind = f"by {' '.join(filter(None, (stage.title, stage.experiment)))}"
                said = strong(f"Image of class {query.label}")
                found = [self._staged(each) for each in stage.neighbors]
                cards.append(self._card(query.id, query.label, query.attribution, said, kind))
                cards += [*found, *[joined([])] * (_NEAREST - len(found))]
        return _grid(cards, 1 + _NEAREST)

    def _staged(self, neighbor: ShownStageNeighbor) -> Fragment:
        said, mark = strong(neighbor.label), "✓ right" if neighbor.right else "✗ wrong"
        return self._card(neighbor.id, neighbor.label, neighbor.attribution, said, mark)

    def image(self, identifier: str, label: str, attribution: Attribution | None) -> Fragment:
        """Return the image; a box with its class if it has no published address."""
        if self.thumbnails:
            jpeg = b64encode(self.client.thumbnail(identifier)).decode()
            source = f"data:image/jpeg;base64,{jpeg}"
        elif attribution and (attribution.source or "").startswith("https://"):
            source = attribution.source or ""
        else:
            return _box(label, "shown by make report")
        title = (attribution and attribution.title) or identifier
        return void(
            "img",
            src=source,
            alt=f"Image of class {label}: {title}",
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
            return _box(error.predicted, "no heat map")
        if not self.thumbnails:
            return _box(error.predicted, "heat map: shown by make report")
        jpeg = b64encode(self.client.heatmap(error.id)).decode()
        alt = f"Heat map of an image of class {error.label}: regions that support "
        return joined(
            [
                void(
                    "img",
                    src=f"data:image/jpeg;base64,{jpeg}",
                    alt=f"{alt}{error.predicted}",
                    height=_HEIGHT,
                    style=_FIT,
                ),
                f"regions that support {error.predicted}",
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
        right = "✓" if prediction.label == record.label else f"✗, label {record.label or NO_LABEL}"
        said = joined([strong(f"Predicted {prediction.label}"), f" {right}"])
        likely = probable(prediction.probabilities)
        return self._card(record.id, record.label or NO_LABEL, record.attribution, said, likely)

    def _neighbor(self, neighbor: Neighbor) -> Fragment:
        said = joined([strong(neighbor.label or NO_LABEL), f" at distance {neighbor.distance:.2f}"])
        side = f"({neighbor.split})"
        return self._card(neighbor.id, neighbor.label or NO_LABEL, neighbor.attribution, said, side)

    def _card(
        self, identifier: str, label: str, attribution: Attribution | None, said: Part, more: Part
    ) -> Fragment:
        lines: list[Part] = [self.image(identifier, label, attribution), said, more]
        lines.append(element("small", credit(identifier, attribution), style=_SMALL))
        return joined(lines, void("br"))


def credit(identifier: str, attribution: Attribution | None) -> Fragment:
    """Return title, photographer and licence of an image, with links."""
    if attribution is None:
        return joined([identifier])
    parts: list[Part] = [link(attribution.page, attribution.title or identifier)]
    if attribution.photographer:
        parts.append(f" by {attribution.photographer}")
    if attribution.licence:
        parts += [", ", link(attribution.licence_url, attribution.licence)]
    return joined(parts)


def probable(probabilities: dict[str, float], also: str | None = None) -> Fragment:
    """Return the most probable classes, a line each; `also` replaces the last if absent."""
    ranked = sorted(probabilities, key=lambda label: -probabilities[label])
    named = ranked[:_LIKELY]
    if also is not None and also not in named:
        named[-1] = also
    return joined((f"{label} {probability(probabilities[label])}" for label in named), void("br"))


def _box(label: str, note: str) -> Fragment:
    """Return a placeholder for an image."""
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
