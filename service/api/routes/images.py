"""`/images`: metadata and files of stored images."""

import random
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from fastapi import APIRouter, Query, Request, Response

from embeddings.arrays import Rows
from embeddings.jpeg_metadata import remove_metadata
from service.api.dependencies import (
    FILTER_PARAMETERS,
    MOST_LISTED,
    At,
    Identifier,
    RequestedFilter,
    Served,
    State,
    Where,
    refuse_conditions_of_states,
    refuse_other_classes,
    refuse_unknown_classes,
)
from service.api.errors import ServiceProblem, problem_responses
from service.api.http_caching import is_not_modified
from service.image_filter import ImageFilter
from service.problems import ProblemType
from service.schemas import Image, ImageList, ImageRecord
from service.serving.responses import as_json, record, record_of, records
from service.serving.served_release import THUMBNAIL_SIDE, ServedRelease

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
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 404, 422, 429),
)
async def images(
    served: Served,
    state: State,
    where: RequestedFilter,
    id: Ids = None,
    limit: Limit = None,
    offset: Offset = 0,
    at: At = None,
) -> Response:
    """Return a page of the stored images or of those of a dataset version, ordered by id.

    The response about a single `id` has the `etag` of its record as `ETag`.
    """
    page = _Page(id, limit, offset)
    if at is None:
        refuse_unknown_classes(where, served)
        return await state.queries.run(_stored, served, where, page)
    refuse_conditions_of_states(where)
    return await state.queries.run(_at, served, at, where, page)


class _Page(NamedTuple):
    ids: list[str] | None
    limit: int | None
    offset: int

    def of(self, rows: Rows, row_of: Callable[[str], int]) -> tuple[Rows, int]:
        """Return the rows of this page, and the number of rows on all pages."""
        if self.ids is not None:
            rows = rows[np.isin(rows, [row_of(each) for each in self.ids])]
        size = self.limit or (_PAGE if self.ids is None else len(rows))
        return rows[self.offset :][:size], len(rows)


def _stored(served: ServedRelease, where: ImageFilter, page: _Page) -> Response:
    in_order = served.live.ids_in_order()
    rows, total = page.of(in_order[served.mask(where)[in_order]], served.row)
    found = records(served, rows)
    response = _listed(served, found, total)
    if page.ids is not None and len(page.ids) == len(found) == 1:
        response.headers["ETag"] = f'"{found[0].etag}"'
    return response


def _at(served: ServedRelease, at: str, where: ImageFilter, page: _Page) -> Response:
    version = served.history.images(at)
    refuse_other_classes(where.label, version.classes)
    rows, total = page.of(version.matching(where), version.row)
    images = version.images.take(rows)
    learned = pc.is_in(images.array("digest"), value_set=served.history.learned).to_pylist()
    return _listed(served, tuple(map(record_of, images, learned)), total)


def _listed(served: ServedRelease, found: tuple[ImageRecord, ...], total: int) -> Response:
    page = ImageList(
        images=found,
        total=total,
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(page)


@router.get(
    "/images/random",
    summary="Random image",
    response_model=Image,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(404, 422, 429),
)
async def random_image(served: Served, state: State, where: Where) -> Response:
    """Return a random image that matches the filters."""
    return await state.queries.run(_random, served, where)


def _random(served: ServedRelease, where: ImageFilter) -> Response:
    rows = np.flatnonzero(served.mask(where))
    if not len(rows):
        raise ServiceProblem(
            ProblemType.NO_MATCH, "No image matches these filters; remove one of them."
        )
    chosen = record(served, int(rows[random.randrange(len(rows))]))
    image = Image(
        **dict(chosen),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    answer = as_json(image)
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
    if served.live.row(id) is None and served.live.row(id + _THUMBNAIL) is not None:
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
    # The file of an id may be replaced or deleted, so that copies are revalidated.
    digest = served.live.record(row).digest
    return {"ETag": f'"{digest}{variant}"', "Cache-Control": "no-cache"}
