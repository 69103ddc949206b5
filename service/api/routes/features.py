"""`/features`: what the feature store holds of a photograph."""

from fastapi import APIRouter, Response

from service.api.dependencies import Opened, Row, State
from service.api.errors import problem_responses
from service.schemas import Features
from service.serving.responses import as_json, named, predicted
from service.serving.served_release import OpenedRelease

router = APIRouter(tags=["features"])


@router.get(
    "/features",
    summary="The features of a stored photograph",
    response_model=Features,
    responses=problem_responses(400, 404, 429),
)
async def features(opened: Opened, state: State, row: Row) -> Response:
    """Embedding and probabilities of a stored photograph, as the release has them."""
    return await state.queries.run(_features, opened, row)


def _features(opened: OpenedRelease, row: int) -> Response:
    release = opened.release
    photograph = release.photographs[row]
    features = Features(
        id=photograph.id,
        embedding=tuple(release.embeddings[row].tolist()),
        probabilities=named(opened, release.probabilities[row]),
        label=photograph.label,
        predicted=predicted(opened, row),
        split=photograph.split,
        release=opened.manifest.fingerprint,
    )
    return as_json(features)
