"""`/predict`: class of an image."""

from contextlib import asynccontextmanager

from fastapi import APIRouter, Request, Response

from embeddings.recognition import Observe, recognise
from service.api.auth import REQUIRE_API_KEY, require_api_key
from service.api.dependencies import (
    MIN_REVISION_PARAMETER,
    Row,
    Served,
    State,
    requested_revision,
    state_of,
)
from service.api.errors import problem_responses
from service.api.uploads import UPLOAD_BODY, read_upload
from service.schemas import API_KEY_HEADER, Prediction
from service.serving.precomputed import prediction_of
from service.serving.responses import as_json, prediction, sent_as_json
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["prediction"])

_reserved = asynccontextmanager(read_upload)


@router.get(
    "/predict",
    summary="Class of a stored image",
    response_model=Prediction,
    responses=problem_responses(400, 404, 429),
)
async def predict_stored(served: Served, state: State, row: Row) -> Response:
    """Return the prediction of the served model from the stored features of an image."""
    return sent_as_json(await state.queries.run(prediction_of, served, row))


@router.post(
    "/predict",
    summary="Class of an uploaded image",
    dependencies=REQUIRE_API_KEY,
    response_model=Prediction,
    openapi_extra={**UPLOAD_BODY, "parameters": [MIN_REVISION_PARAMETER]},
    responses=problem_responses(400, 401, 408, 413, 415, 422, 429),
)
async def predict_upload(request: Request) -> Response:
    """Return the prediction of the served model for an uploaded image, which is not stored."""
    state = state_of(request)
    await require_api_key(request, request.headers.get(API_KEY_HEADER))
    served = await state.release_at(requested_revision(request))
    async with _reserved(request) as upload:
        return await state.images.run(_predicted, served, upload, state.metrics.observe_stage)


def _predicted(served: ServedRelease, upload: bytes, observe: Observe) -> Response:
    return as_json(prediction(served, recognise(served.model, upload, observe)))
