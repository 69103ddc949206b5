"""`/images`: metadata and files of stored images."""

import random
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from embeddings.jpeg_metadata import remove_metadata
from service.api.dependencies import MOST_LISTED, Identifier, Selected, Served, State
from service.api.errors import ServiceProblem, problem_responses
from service.api.http_caching import is_not_modified
from service.problems import ProblemType
from service.schemas import Image, ImageList
from service.serving.responses import as_json, record
from service.serving.served_release import THUMBNAIL_SIDE, Selection, ServedRelease

router = APIRouter(tags=["images"])

_PAGE = 50

Limit = Annotated[
    int | None,
    Query(
        ge=1,
        le=MOST_LISTED,
        description="Images per page; by default 50, or all images requested by id.",
    ),
]
Offset = Annotated[int, Query(ge=0, description="Number of images to skip.")]
Ids = Annotated[
    list[str] | None,
    Query(description="Return only this image; may be repeated."),
]

_JPEG_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A JPEG file.", "content": {"image/jpeg": {}}},
    304: {"description": "The copy named by `If-None-Match` is current."},
}
_THUMBNAIL = "/thumbnail"
_WITHOUT_METADATA = "-without-location"


@router.get(
    "/images",
    summary="Page of images",
    response_model=ImageList,
    responses=problem_responses(400, 404, 422, 429),
)
async def images(
    served: Served,
    state: State,
    selected: Selected,
    id: Ids = None,
    limit: Limit = None,
    offset: Offset = 0,
) -> Response:
    """Return a page of the stored images, in the order of the store."""
    return await state.queries.run(_page, served, selected, id, limit, offset)


def _page(
    served: ServedRelease,
    selected: Selection,
    ids: list[str] | None,
    limit: int | None,
    offset: int,
) -> Response:
    rows = np.flatnonzero(served.mask(selected))
    if ids is not None:
        rows = np.intersect1d(rows, [served.row(each) for each in ids])
    size = limit or (_PAGE if ids is None else len(rows))
    shown = rows[offset:][:size]
    page = ImageList(
        images=tuple(record(served, row) for row in shown.tolist()),
        total=len(rows),
        release=served.manifest.fingerprint,
    )
    return as_json(page)


@router.get(
    "/images/random",
    summary="Random image",
    response_model=Image,
    responses=problem_responses(404, 422, 429),
)
async def random_image(served: Served, state: State, selected: Selected) -> Response:
    """Return a random image that matches the filters."""
    return await state.queries.run(_random, served, selected)


def _random(served: ServedRelease, selected: Selection) -> Response:
    rows = np.flatnonzero(served.mask(selected))
    if not len(rows):
        raise ServiceProblem(
            ProblemType.NO_MATCH, "No image matches these filters; remove one of them."
        )
    chosen = record(served, int(rows[random.randrange(len(rows))]))
    answer = as_json(Image(**dict(chosen), release=served.manifest.fingerprint))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get(
    "/images/{id:path}/thumbnail",
    summary="Thumbnail of an image",
    response_class=Response,
    responses={**_JPEG_RESPONSES, **problem_responses(404, 429)},
)
async def thumbnail(request: Request, served: Served, state: State, id: Identifier) -> Response:
    """Return a JPEG file whose longer side has at most 160 pixels."""
    if id not in served.release.rows and id + _THUMBNAIL in served.release.rows:
        # The id itself ends with `/thumbnail`.
        return await image(request, served, state, id + _THUMBNAIL)
    row = served.row(id)
    headers = _cache_headers(served, row, f"-{THUMBNAIL_SIDE}")
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    small = await state.images.run(served.thumbnail, row)
    return Response(small, headers=headers, media_type="image/jpeg")


@router.get(
    "/images/{id:path}",
    summary="File of an image",
    response_class=Response,
    responses={**_JPEG_RESPONSES, **problem_responses(404, 429)},
)
async def image(request: Request, served: Served, state: State, id: Identifier) -> Response:
    """Return the JPEG file, by default without metadata that may contain a location."""
    row = served.row(id)
    keeps = state.settings.keep_location
    headers = _cache_headers(served, row, "" if keeps else _WITHOUT_METADATA)
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = await state.queries.run(_file, served, row, keeps)
    return Response(body, headers=headers, media_type="image/jpeg")


def _file(served: ServedRelease, row: int, keeps: bool) -> bytes:
    jpeg = served.jpeg(row)
    return jpeg if keeps else remove_metadata(jpeg)


def _cache_headers(served: ServedRelease, row: int, variant: str = "") -> dict[str, str]:
    # A later release may have another image with this id, so that copies expire.
    digest = served.release.records[row].digest
    return {"ETag": f'"{digest}{variant}"', "Cache-Control": "max-age=3600"}
