"""`/predict`: which class a photograph shows."""

from fastapi import APIRouter, Response

from service.api.auth import GUARDED
from service.api.dependencies import Opened, Ready, Row, State
from service.api.errors import problem_responses
from service.api.uploads import UPLOAD_BODY, Upload
from service.schemas import Prediction
from service.serving.responses import as_json, prediction, sent_as_json
from service.serving.served_release import OpenedRelease

router = APIRouter(tags=["prediction"])


@router.get(
    "/predict",
    summary="The class of a stored photograph",
    response_model=Prediction,
    responses=problem_responses(400, 404, 429),
)
async def predict_stored(ready: Ready, state: State, row: Row) -> Response:
    """The published network's answer for a stored photograph, from its stored features."""
    return sent_as_json(await state.queries.run(ready.prediction, row))


@router.post(
    "/predict",
    summary="The class of an uploaded image",
    dependencies=GUARDED,
    response_model=Prediction,
    openapi_extra=UPLOAD_BODY,
    responses=problem_responses(400, 401, 408, 413, 415, 422, 429),
)
async def predict_upload(opened: Opened, state: State, upload: Upload) -> Response:
    """The published network's answer for an uploaded image, which is not kept."""
    return await state.images.run(_predicted, opened, upload)


def _predicted(opened: OpenedRelease, upload: bytes) -> Response:
    return as_json(prediction(opened, opened.encode(upload)))
