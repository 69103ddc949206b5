"""`/features`: what the feature store holds of a photograph."""

from fastapi import APIRouter

from service.answers import named, predicted
from service.errors import problem_responses
from service.parameters import Opened, Row
from service.schemas import Features

router = APIRouter(tags=["features"])


@router.get(
    "/features",
    summary="The features of a stored photograph",
    responses=problem_responses(400, 404),
)
def features(opened: Opened, row: Row) -> Features:
    """Embedding and probabilities of a stored photograph, as the release has them."""
    release = opened.release
    photograph = release.photographs[row]
    return Features(
        id=photograph.id,
        embedding=tuple(release.embeddings[row].tolist()),
        probabilities=named(opened, release.probabilities[row]),
        label=photograph.label,
        predicted=predicted(opened, row),
        split=photograph.split,
        release=opened.manifest.fingerprint,
    )
