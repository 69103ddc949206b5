"""`/images`: the stored photographs, their records and their files."""

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
        description="Photographs per page; without it 50, or all of those asked for by id.",
    ),
]
Offset = Annotated[int, Query(ge=0, description="Photographs to skip.")]
Ids = Annotated[
    list[str] | None,
    Query(description="Only this photograph; given several times, only these."),
]

_JPEG_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A JPEG file.", "content": {"image/jpeg": {}}},
    304: {"description": "The copy named by `If-None-Match` is still right."},
}
_THUMBNAIL = "/thumbnail"
_PLACELESS = "-without-location"


@router.get(
    "/images",
    summary="A page of photographs",
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
    """A page of the stored photographs, in the order of the store."""
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
    summary="A random photograph",
    response_model=Image,
    responses=problem_responses(404, 422, 429),
)
async def random_image(served: Served, state: State, selected: Selected) -> Response:
    """One photograph, another one at each call."""
    return await state.queries.run(_random, served, selected)


def _random(served: ServedRelease, selected: Selection) -> Response:
    rows = np.flatnonzero(served.mask(selected))
    if not len(rows):
        raise ServiceProblem(
            ProblemType.NO_MATCH, "No photograph fits these filters; leave one of them out."
        )
    chosen = record(served, int(rows[random.randrange(len(rows))]))
    answer = as_json(Image(**dict(chosen), release=served.manifest.fingerprint))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get(
    "/images/{id:path}/thumbnail",
    summary="The thumbnail of a photograph",
    response_class=Response,
    responses={**_JPEG_RESPONSES, **problem_responses(404, 429)},
)
async def thumbnail(request: Request, served: Served, state: State, id: Identifier) -> Response:
    """A small JPEG file whose longer side has at most 160 pixels."""
    if id not in served.release.rows and id + _THUMBNAIL in served.release.rows:
        # The photograph's own name ends like this call.
        return await image(request, served, state, id + _THUMBNAIL)
    row = served.row(id)
    headers = _cache_headers(served, row, f"-{THUMBNAIL_SIDE}")
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    small = await state.images.run(served.thumbnail, row)
    return Response(small, headers=headers, media_type="image/jpeg")


@router.get(
    "/images/{id:path}",
    summary="The file of a photograph",
    response_class=Response,
    responses={**_JPEG_RESPONSES, **problem_responses(404, 429)},
)
async def image(request: Request, served: Served, state: State, id: Identifier) -> Response:
    """The photograph's JPEG file, by default without metadata that can hold a location."""
    row = served.row(id)
    keeps = state.settings.keep_location
    headers = _cache_headers(served, row, "" if keeps else _PLACELESS)
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = await state.queries.run(_file, served, row, keeps)
    return Response(body, headers=headers, media_type="image/jpeg")


def _file(served: ServedRelease, row: int, keeps: bool) -> bytes:
    jpeg = served.jpeg(row)
    return jpeg if keeps else remove_metadata(jpeg)


def _cache_headers(served: ServedRelease, row: int, variant: str = "") -> dict[str, str]:
    # A later release may hold another photograph under this id, so copies are not kept for ever.
    digest = served.release.images[row].digest
    return {"ETag": f'"{digest}{variant}"', "Cache-Control": "max-age=3600"}
