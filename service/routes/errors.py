"""`/errors`: what the published network gets wrong."""

from typing import Annotated

from fastapi import APIRouter, Query

from embeddings.attribution import attribution_of
from embeddings.release import Misclassified
from service.answers import named
from service.errors import problem_responses
from service.opened import OpenedRelease
from service.parameters import Opened
from service.schemas import ErrorList, Misclassification, image_path

router = APIRouter(tags=["errors"])

Limit = Annotated[int, Query(ge=1, description="How many; more than there are gives all.")]


@router.get("/errors", responses=problem_responses(400, 422))
def errors(opened: Opened, limit: Limit = 20) -> ErrorList:
    """The misclassified validation photographs, worst first."""
    found = opened.release.errors
    return ErrorList(
        errors=tuple(_misclassification(opened, each) for each in found[:limit]),
        total=len(found),
        release=opened.manifest.fingerprint,
    )


def _misclassification(opened: OpenedRelease, error: Misclassified) -> Misclassification:
    row = opened.release.rows[error.id]
    return Misclassification(
        id=error.id,
        label=error.label,
        predicted=error.predicted,
        probabilities=named(opened, opened.release.probabilities[row]),
        image=image_path(error.id),
        attribution=attribution_of(opened.release.photographs[row]),
    )
