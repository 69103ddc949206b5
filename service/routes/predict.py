"""`/predict`: which class a photograph shows."""

from fastapi import APIRouter, Response

from embeddings.encoder import Encoded
from service.answers import as_json, prediction
from service.errors import problem_responses
from service.guard import GUARDED
from service.opened import OpenedRelease
from service.parameters import Opened, Row, State
from service.schemas import Prediction
from service.uploads import UPLOAD_BODY, Upload

router = APIRouter(tags=["prediction"])


@router.get(
    "/predict",
    summary="The class of a stored photograph",
    responses=problem_responses(400, 404),
)
async def predict_stored(opened: Opened, row: Row) -> Prediction:
    """The published network's answer for a stored photograph, from its stored features."""
    release = opened.release
    stored = Encoded(release.embeddings, release.probabilities).row(row)
    return prediction(opened, stored, row)


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
