"""`/neighbors`: nearest stored images."""

from fastapi import APIRouter, Request, Response

from embeddings.image_box import ImageBox
from embeddings.index.knn_graph import DEGREE
from embeddings.recognition import Observe, encode_image
from service.api.auth import REQUIRE_API_KEY, require_api_key
from service.api.dependencies import (
    FILTER_PARAMETERS,
    Count,
    Part,
    Row,
    Served,
    State,
    Where,
)
from service.api.errors import problem_responses
from service.api.uploads import UPLOAD_BODY, Upload
from service.image_filter import ImageFilter
from service.schemas import API_KEY_HEADER, Neighborhood, NeighborStageList
from service.serving.precomputed import neighborhood_of
from service.serving.responses import as_json, neighborhood, sent_as_json, staged_queries
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["neighbours"])

_READY = {"id", "min_revision"}
"""Parameters of a request for the neighbours that are kept ready."""


@router.get(
    "/neighbors",
    summary="Neighbours of a stored image",
    response_model=Neighborhood,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 401, 404, 422, 429),
)
async def neighbors_of_stored(
    request: Request,
    served: Served,
    state: State,
    row: Row,
    where: Where,
    part: Part,
    k: Count = DEGREE,
) -> Response:
    """Return the stored images nearest to a stored image or its `box`, without that image.

    The box is encoded like an uploaded image, with the same limits: if the service has an API key,
    it is required.
    """
    if request.query_params.keys() <= _READY:
        return sent_as_json(await state.queries.run(neighborhood_of, served, row))
    if part is None:
        return await state.queries.run(_near_stored, served, row, k, where)
    await require_api_key(request, request.headers.get(API_KEY_HEADER))
    observe = state.metrics.observe_stage
    return await state.images.run(_near_part, served, row, part, k, where, observe)


@router.get(
    "/neighbors/stages",
    summary="Neighbours from model to model",
    response_model=NeighborStageList,
    responses=problem_responses(429),
)
async def neighbor_stages(served: Served, state: State) -> Response:
    """Return the neighbours of a validation image of each class, by pixels and by several models.

    They were computed at publishing among the training images of the models.
    """
    return await state.queries.run(_stages, served)


@router.post(
    "/neighbors",
    summary="Neighbours of an uploaded image",
    dependencies=REQUIRE_API_KEY,
    response_model=Neighborhood,
    openapi_extra={**UPLOAD_BODY, **FILTER_PARAMETERS},
    responses=problem_responses(400, 401, 404, 408, 413, 415, 422, 429),
)
async def neighbors_of_upload(
    served: Served, state: State, where: Where, part: Part, upload: Upload, k: Count = DEGREE
) -> Response:
    """Return the stored images nearest to an uploaded image or its `box`; it is not stored."""
    observe = state.metrics.observe_stage
    return await state.images.run(_near, served, upload, part, k, where, observe)


def _near_stored(served: ServedRelease, row: int, k: int, where: ImageFilter) -> Response:
    embedding = served.live.embedding(row)
    found = served.live.index.search(embedding, k, exclude=row, among=served.among(where))
    return as_json(neighborhood(served, served.live.record(row).id, k, found))


def _near_part(
    served: ServedRelease,
    row: int,
    part: ImageBox,
    k: int,
    where: ImageFilter,
    observe: Observe,
) -> Response:
    encoded = encode_image(served.model.encoder, served.jpeg(row), observe, part)
    among = served.among(where)
    found = served.live.index.search(encoded.embeddings[0], k, exclude=row, among=among)
    return as_json(neighborhood(served, served.live.record(row).id, k, found))


def _near(
    served: ServedRelease,
    upload: bytes,
    part: ImageBox | None,
    k: int,
    where: ImageFilter,
    observe: Observe,
) -> Response:
    embedding = encode_image(served.model.encoder, upload, observe, part).embeddings[0]
    found = served.live.index.search(embedding, k, among=served.among(where))
    return as_json(neighborhood(served, None, k, found))


def _stages(served: ServedRelease) -> Response:
    found = NeighborStageList(
        queries=staged_queries(served),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(found)
