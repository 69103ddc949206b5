"""How rows of a release and outputs of its encoder become answers."""

import numpy as np

from embeddings.attribution import attribution_of
from embeddings.index import Neighbors, Rows
from embeddings.runtime import Floats
from embeddings.tsne import Points
from service.opened import OpenedRelease
from service.schemas import (
    ImageRecord,
    Map,
    MapPoint,
    Neighbor,
    Neighborhood,
    Prediction,
    Query,
    image_path,
)


def named(opened: OpenedRelease, probabilities: Floats) -> dict[str, float]:
    """Probabilities of shape (classes,) by the names of the classes."""
    return dict(zip(opened.manifest.classes, probabilities.tolist(), strict=True))


def predicted(opened: OpenedRelease, row: int) -> str:
    """The class that the network finds most probable for a stored photograph."""
    return opened.manifest.classes[int(opened.release.predicted[row])]


def prediction(opened: OpenedRelease, probabilities: Floats) -> Prediction:
    """What probabilities of shape (classes,) say."""
    return Prediction(
        label=opened.manifest.classes[int(np.argmax(probabilities))],
        probabilities=named(opened, probabilities),
        release=opened.manifest.fingerprint,
    )


def neighborhood(
    opened: OpenedRelease, identifier: str | None, k: int, found: Neighbors
) -> Neighborhood:
    """The rows found near a query."""
    pairs = zip(found.rows.tolist(), found.distances.tolist(), strict=True)
    return Neighborhood(
        query=Query(id=identifier),
        k=k,
        metric="euclidean",
        exact=True,
        neighbors=tuple(_neighbor(opened, row, distance) for row, distance in pairs),
        release=opened.manifest.fingerprint,
    )


def map_of(opened: OpenedRelease, rows: Rows, points: Points) -> Map:
    """The rows at these places of shape (n, 2)."""
    places = zip(rows.tolist(), points.tolist(), strict=True)
    return Map(
        points=tuple(_map_point(opened, row, x, y) for row, (x, y) in places),
        release=opened.manifest.fingerprint,
    )


def record(opened: OpenedRelease, row: int) -> ImageRecord:
    """What is known of a stored photograph."""
    photograph = opened.release.photographs[row]
    return ImageRecord(
        id=photograph.id,
        label=photograph.label,
        split=photograph.split,
        width=photograph.width,
        height=photograph.height,
        attribution=attribution_of(photograph),
    )


def _neighbor(opened: OpenedRelease, row: int, distance: float) -> Neighbor:
    photograph = opened.release.photographs[row]
    return Neighbor(
        id=photograph.id,
        label=photograph.label,
        split=photograph.split,
        distance=distance,
        image=image_path(photograph.id),
        attribution=attribution_of(photograph),
    )


def _map_point(opened: OpenedRelease, row: int, x: float, y: float) -> MapPoint:
    photograph = opened.release.photographs[row]
    return MapPoint(
        id=photograph.id,
        label=photograph.label,
        predicted=predicted(opened, row),
        split=photograph.split,
        x=x,
        y=y,
    )
