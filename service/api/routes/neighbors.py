"""`/neighbors`: the photographs most like another one."""

from fastapi import APIRouter, Response

from embeddings.index.knn_graph import DEGREE
from service.api.auth import GUARDED
from service.api.dependencies import Count, Opened, Row, Selected, State
from service.api.errors import problem_responses
from service.api.uploads import UPLOAD_BODY, Upload
from service.schemas import Neighborhood
from service.serving.responses import as_json, neighborhood
from service.serving.served_release import OpenedRelease, Selection

router = APIRouter(tags=["neighbours"])


@router.get(
    "/neighbors",
    summary="Neighbours of a stored photograph",
    response_model=Neighborhood,
    responses=problem_responses(400, 404, 422, 429),
)
async def neighbors_of_stored(
    opened: Opened, state: State, row: Row, selected: Selected, k: Count = DEGREE
) -> Response:
    """The nearest photographs to a stored one, which is itself left out."""
    return await state.queries.run(_near_stored, opened, row, k, selected)


@router.post(
    "/neighbors",
    summary="Neighbours of an uploaded image",
    dependencies=GUARDED,
    response_model=Neighborhood,
    openapi_extra=UPLOAD_BODY,
    responses=problem_responses(400, 401, 408, 413, 415, 422, 429),
)
async def neighbors_of_upload(
    opened: Opened, state: State, selected: Selected, upload: Upload, k: Count = DEGREE
) -> Response:
    """The nearest stored photographs to an uploaded image, which is not kept."""
    return await state.images.run(_near, opened, upload, k, selected)


def _near_stored(opened: OpenedRelease, row: int, k: int, selected: Selection) -> Response:
    embedding = opened.release.embeddings[row]
    found = opened.index.search(embedding, k, exclude=row, among=opened.among(selected))
    return as_json(neighborhood(opened, opened.release.photographs[row].id, k, found))


def _near(opened: OpenedRelease, upload: bytes, k: int, selected: Selection) -> Response:
    embedding = opened.encode(upload).embeddings[0]
    found = opened.index.search(embedding, k, among=opened.among(selected))
    return as_json(neighborhood(opened, None, k, found))
