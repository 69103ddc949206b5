"""How rows of a release and outputs of its encoder become answers."""

import numpy as np
from fastapi import Response

from embeddings.arrays import Floats, Points, Rows
from embeddings.index import Neighbors
from embeddings.recognition import Recognition
from embeddings.release.manifest import Manifest
from embeddings.store.records import attribution_of
from service.schemas import (
    Answer,
    ImageRecord,
    Map,
    MapPoint,
    Neighbor,
    Neighborhood,
    Prediction,
    Query,
    image_path,
)
from service.serving.served_release import ServedRelease


def as_json(answer: Answer) -> Response:
    """The answer as it is sent, so that the event loop need not look through it once more."""
    return sent_as_json(answer.model_dump_json().encode())


def sent_as_json(body: bytes) -> Response:
    """An answer that is JSON already."""
    return Response(body, media_type="application/json")


def probabilities_by_class(manifest: Manifest, probabilities: Floats) -> dict[str, float]:
    """Probabilities of shape (classes,) by the names of the classes."""
    return dict(zip(manifest.classes, probabilities.tolist(), strict=True))


def predicted(served: ServedRelease, row: int) -> str:
    """The class that the network finds most probable for a stored photograph."""
    return served.manifest.classes[int(served.release.predicted[row])]


def prediction(manifest: Manifest, recognition: Recognition) -> Prediction:
    """Return the response about a recognised image."""
    classes, probabilities = manifest.classes, recognition.probabilities
    return Prediction(
        label=classes[int(np.argmax(probabilities))],
        probabilities=probabilities_by_class(manifest, probabilities),
        set=tuple(classes[number] for number in recognition.prediction_set),
        typicality=recognition.typicality,
        release=manifest.fingerprint,
    )


def nearest_in_training(served: ServedRelease, row: int, k: int) -> tuple[Neighbor, ...]:
    """The training photographs nearest to a stored photograph."""
    found = served.index.search(
        served.release.embeddings[row], k, exclude=row, among=served.model.training
    )
    pairs = zip(found.rows.tolist(), found.distances.tolist(), strict=True)
    return tuple(_neighbor(served, each, distance) for each, distance in pairs)


def neighborhood(
    served: ServedRelease, identifier: str | None, k: int, found: Neighbors
) -> Neighborhood:
    """The rows found near a query."""
    pairs = zip(found.rows.tolist(), found.distances.tolist(), strict=True)
    return Neighborhood(
        query=Query(id=identifier),
        k=k,
        metric="euclidean",
        index=found.kind,
        exact=found.exact,
        neighbors=tuple(_neighbor(served, row, distance) for row, distance in pairs),
        release=served.manifest.fingerprint,
    )


def map_of(served: ServedRelease, rows: Rows, points: Points) -> Map:
    """The rows at these places of shape (n, 2)."""
    places = zip(rows.tolist(), points.tolist(), strict=True)
    return Map(
        points=tuple(_map_point(served, row, x, y) for row, (x, y) in places),
        release=served.manifest.fingerprint,
    )


def record(served: ServedRelease, row: int) -> ImageRecord:
    """What is known of a stored photograph."""
    image = served.release.images[row]
    return ImageRecord(
        id=image.id,
        label=image.label,
        split=image.split,
        width=image.width,
        height=image.height,
        attribution=attribution_of(image),
    )


def _neighbor(served: ServedRelease, row: int, distance: float) -> Neighbor:
    image = served.release.images[row]
    return Neighbor(
        id=image.id,
        label=image.label,
        split=image.split,
        distance=distance,
        image=served.root_path + image_path(image.id),
        attribution=attribution_of(image),
    )


def _map_point(served: ServedRelease, row: int, x: float, y: float) -> MapPoint:
    image = served.release.images[row]
    return MapPoint(
        id=image.id,
        label=image.label,
        predicted=predicted(served, row),
        split=image.split,
        x=x,
        y=y,
    )
