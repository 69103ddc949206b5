"""`/features`: embedding and probabilities of a stored image."""

import numpy as np
from fastapi import APIRouter, Response

from embeddings.arrays import Floats
from embeddings.store.records import StoredImage
from service.api.dependencies import At, RowId, Served, State
from service.api.errors import ServiceProblem, problem_responses, shown
from service.problems import ProblemType
from service.schemas import Features
from service.serving.responses import as_json, probabilities_by_class
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["features"])


@router.get(
    "/features",
    summary="Features of a stored image",
    response_model=Features,
    responses=problem_responses(400, 404, 422, 429),
)
async def features(served: Served, state: State, id: RowId, at: At = None) -> Response:
    """Return embedding and probabilities of a stored image, or of its file at a dataset version."""
    if at is None:
        return await state.queries.run(_features, served, served.row(id))
    return await state.queries.run(_features_at, served, id, at)


def _features_at(served: ServedRelease, id: str, at: str) -> Response:
    version = served.history.images(at)
    image = version.images[version.row(id)]
    encoded = served.history.features(image.digest)
    if encoded is None:
        raise ServiceProblem(
            ProblemType.NO_FEATURES,
            f"The served encoder has not encoded the file that {shown(id)} had in dataset version "
            f"{shown(at)}; leave `at` out.",
        )
    return as_json(_answer(served, image, encoded.embeddings[0], encoded.probabilities[0]))


def _features(served: ServedRelease, row: int) -> Response:
    live = served.live
    answer = _answer(served, live.record(row), live.embedding(row), live.probabilities(row))
    return as_json(answer)


def _answer(
    served: ServedRelease, image: StoredImage, embedding: Floats, probabilities: Floats
) -> Features:
    return Features(
        id=image.id,
        embedding=tuple(embedding.tolist()),
        probabilities=probabilities_by_class(served.manifest, probabilities),
        label=image.label,
        predicted=served.manifest.classes[int(np.argmax(probabilities))],
        split=image.split,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
