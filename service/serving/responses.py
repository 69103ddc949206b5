"""Response bodies from rows of a state and from recognitions."""

from datetime import datetime

import numpy as np
from fastapi import Response

from embeddings.arrays import Floats, Points, Rows
from embeddings.index import Neighbors, search_despite_outage
from embeddings.recognition import Recognition
from embeddings.release.manifest import Manifest
from embeddings.release.neighbor_stages import StageNeighbors
from embeddings.store.attribution import attribution_of
from embeddings.store.records import LOCATION, REVIEW_TIME, StoredImage, record_tag
from service.schemas import (
    Answer,
    ExampleSearch,
    ImageRecord,
    Map,
    MapPoint,
    Neighbor,
    Neighborhood,
    Prediction,
    Query,
    ShownStage,
    ShownStagedQuery,
    ShownStageNeighbor,
    TrainingVersion,
    image_path,
)
from service.serving.served_release import ServedRelease

_APART = (REVIEW_TIME, LOCATION)
"""Attributes that are no part of the others of a record."""


def as_json(answer: Answer) -> Response:
    """Return a response that is serialized here, in a thread, not on the event loop."""
    return sent_as_json(answer.model_dump_json().encode())


def sent_as_json(body: bytes) -> Response:
    """Return a response with a body that is JSON already."""
    return Response(body, media_type="application/json")


def probabilities_by_class(manifest: Manifest, probabilities: Floats) -> dict[str, float]:
    """Map the names of the classes to probabilities of shape (classes,)."""
    return dict(zip(manifest.classes, probabilities.tolist(), strict=True))


def prediction(served: ServedRelease, recognition: Recognition) -> Prediction:
    """Return the response about a recognised image."""
    classes, probabilities = served.manifest.classes, recognition.probabilities
    return Prediction(
        label=classes[int(np.argmax(probabilities))],
        probabilities=probabilities_by_class(served.manifest, probabilities),
        set=tuple(classes[number] for number in recognition.prediction_set),
        typicality=recognition.typicality,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )


def nearest_stored(served: ServedRelease, row: int) -> tuple[Neighbor, ...]:
    """Return the three stored images nearest to a stored image."""
    found = served.live.neighbors(row)
    pairs = zip(found.rows.tolist(), found.distances.tolist(), strict=True)
    return tuple(_neighbor(served, each, distance) for each, distance in pairs)


def nearest_in_training(served: ServedRelease, row: int, k: int) -> tuple[Neighbor, ...]:
    """Return the training images nearest to a stored image.

    If the server of the index does not answer, all of them are compared.
    """
    index, embedding = served.live.index, served.live.embedding(row)
    found = search_despite_outage(index, embedding, k, exclude=row, among=served.learned)
    return _neighbors(served, found)


def found_by_examples(
    served: ServedRelease, like: Rows, unlike: Rows, k: int, found: Neighbors
) -> ExampleSearch:
    """Return the response about a search by examples."""
    return ExampleSearch(
        like=tuple(served.live.ids(like)),
        unlike=tuple(served.live.ids(unlike)),
        k=k,
        metric="euclidean",
        index=found.kind,
        exact=found.exact,
        neighbors=_neighbors(served, found),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )


def neighborhood(
    served: ServedRelease, identifier: str | None, k: int, found: Neighbors
) -> Neighborhood:
    """Return the response about the neighbours of a query."""
    return Neighborhood(
        query=Query(id=identifier),
        k=k,
        metric="euclidean",
        index=found.kind,
        exact=found.exact,
        neighbors=_neighbors(served, found),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )


def map_of(served: ServedRelease, rows: Rows, points: Points) -> Map:
    """Return the response about rows at points of shape (n, 2)."""
    live, names = served.live, served.live.ids(rows)
    places = zip(names, rows.tolist(), points.tolist(), strict=True)
    labels, splits, predicted = live.labels, live.splits, served.filtering.columns.predicted
    learned = served.learned
    return Map(
        points=tuple(
            MapPoint(
                id=name,
                label=labels[row],
                predicted=predicted[row],
                split=splits[row],
                learned=bool(learned[row]),
                x=x,
                y=y,
            )
            for name, row, (x, y) in places
        ),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )


def training_version(manifest: Manifest) -> TrainingVersion:
    """Return the dataset version that the served model learned from."""
    return TrainingVersion(**dict(manifest.training))


def record(served: ServedRelease, row: int) -> ImageRecord:
    """Return the metadata of a stored image."""
    return record_of(served.live.record(row), served.live.learned(row))


def records(served: ServedRelease, rows: Rows) -> tuple[ImageRecord, ...]:
    """Return the metadata of stored images; faster than one by one."""
    pairs = zip(rows.tolist(), served.live.records(rows), strict=True)
    return tuple(record_of(image, served.live.learned(row)) for row, image in pairs)


def record_of(image: StoredImage, learned: bool) -> ImageRecord:
    """Return the metadata of an image."""
    attributes = image.attributes
    return ImageRecord(
        id=image.id,
        label=image.label,
        split=image.split,
        learned=learned,
        width=image.width,
        height=image.height,
        attribution=attribution_of(image),
        tags=image.tags,
        attributes={name: attributes[name] for name in attributes if name not in _APART},
        reviewed=None if REVIEW_TIME not in attributes else _time(attributes[REVIEW_TIME]),
        etag=record_tag(image),
    )


def _time(value: object) -> datetime | None:
    """Return the time of a review; None for another value that an earlier version let pass."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _neighbors(served: ServedRelease, found: Neighbors) -> tuple[Neighbor, ...]:
    pairs = zip(found.rows.tolist(), found.distances.tolist(), strict=True)
    return tuple(_neighbor(served, row, distance) for row, distance in pairs)


def _neighbor(served: ServedRelease, row: int, distance: float) -> Neighbor:
    image = served.live.record(row)
    return Neighbor(
        id=image.id,
        label=image.label,
        split=image.split,
        distance=distance,
        image=served.root_path + image_path(image.id),
        attribution=attribution_of(image),
    )


def staged_queries(served: ServedRelease) -> tuple[ShownStagedQuery, ...]:
    """Return the queries with neighbours by several models, without deleted images."""
    report = served.release.neighbor_stages
    queries = report.queries if report is not None else ()
    return tuple(
        ShownStagedQuery(
            id=query.id,
            label=query.label,
            image=served.root_path + image_path(query.id),
            attribution=attribution_of(served.live.record(row)),
            stages=tuple(_stage(served, stage) for stage in query.stages),
        )
        for query in queries
        if (row := served.live.row(query.id)) is not None
    )


def _stage(served: ServedRelease, stage: StageNeighbors) -> ShownStage:
    return ShownStage(
        title=stage.title,
        experiment=stage.experiment,
        neighbors=tuple(
            ShownStageNeighbor(
                **each.model_dump(),
                image=served.root_path + image_path(each.id),
                attribution=attribution_of(served.live.record(row)),
            )
            for each in stage.neighbors
            if (row := served.live.row(each.id)) is not None
        ),
    )
