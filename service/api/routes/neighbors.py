"""`/neighbors`: nearest stored images."""

from fastapi import APIRouter, Request, Response

from embeddings.index.knn_graph import DEGREE
from embeddings.recognition import Observe, encode_image
from service.api.auth import REQUIRE_API_KEY
from service.api.dependencies import Count, Row, Selected, Served, State
from service.api.errors import problem_responses
from service.api.uploads import UPLOAD_BODY, Upload
from service.schemas import Neighborhood
from service.serving.precomputed import neighborhood_of
from service.serving.responses import as_json, neighborhood, sent_as_json
from service.serving.served_release import Selection, ServedRelease

router = APIRouter(tags=["neighbours"])

_READY = {"id", "min_revision"}
"""Parameters of a request for the neighbours that are kept ready."""


@router.get(
    "/neighbors",
    summary="Neighbours of a stored image",
    response_model=Neighborhood,
    responses=problem_responses(400, 404, 422, 429),
)
async def neighbors_of_stored(
    request: Request, served: Served, state: State, row: Row, selected: Selected, k: Count = DEGREE
) -> Response:
    """Return the stored images nearest to a stored image, without that image."""
    if request.query_params.keys() <= _READY:
        return sent_as_json(await state.queries.run(neighborhood_of, served, row))
    return await state.queries.run(_near_stored, served, row, k, selected)


@router.post(
    "/neighbors",
    summary="Neighbours of an uploaded image",
    dependencies=REQUIRE_API_KEY,
    response_model=Neighborhood,
    openapi_extra=UPLOAD_BODY,
    responses=problem_responses(400, 401, 408, 413, 415, 422, 429),
)
async def neighbors_of_upload(
    served: Served, state: State, selected: Selected, upload: Upload, k: Count = DEGREE
) -> Response:
    """Return the stored images nearest to an uploaded image, which is not stored."""
    return await state.images.run(_near, served, upload, k, selected, state.metrics.observe_stage)


def _near_stored(served: ServedRelease, row: int, k: int, selected: Selection) -> Response:
    embedding = served.live.embedding(row)
    found = served.live.index.search(embedding, k, exclude=row, among=served.among(selected))
    return as_json(neighborhood(served, served.live.record(row).id, k, found))


def _near(
    served: ServedRelease, upload: bytes, k: int, selected: Selection, observe: Observe
) -> Response:
    embedding = encode_image(served.model.encoder, upload, observe).embeddings[0]
    found = served.live.index.search(embedding, k, among=served.among(selected))
    return as_json(neighborhood(served, None, k, found))
