"""`/features`: embedding and probabilities of a stored image."""

from fastapi import APIRouter, Response

from service.api.dependencies import Row, Served, State
from service.api.errors import problem_responses
from service.schemas import Features
from service.serving.responses import as_json, predicted, probabilities_by_class
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["features"])


@router.get(
    "/features",
    summary="Features of a stored image",
    response_model=Features,
    responses=problem_responses(400, 404, 429),
)
async def features(served: Served, state: State, row: Row) -> Response:
    """Return embedding and probabilities of a stored image."""
    return await state.queries.run(_features, served, row)


def _features(served: ServedRelease, row: int) -> Response:
    release = served.release
    image = release.records[row]
    features = Features(
        id=image.id,
        embedding=tuple(release.embeddings[row].tolist()),
        probabilities=probabilities_by_class(served.manifest, release.probabilities[row]),
        label=image.label,
        predicted=predicted(served, row),
        split=image.split,
        release=served.manifest.fingerprint,
    )
    return as_json(features)
