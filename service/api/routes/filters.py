"""`/facets` and `/ids`: counts and ids of the images that meet a filter."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from service.api.dependencies import FILTER_PARAMETERS, Served, State, Where
from service.api.errors import problem_responses
from service.image_filter import ImageFilter
from service.schemas import Facets, IdList
from service.serving.facets import FacetCounts
from service.serving.responses import as_json
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["images"])

_VALUES = 50
_MOST_VALUES = 1000
_IDS = 10_000
_MOST_IDS = 100_000

Values = Annotated[
    int,
    Query(
        ge=1,
        le=_MOST_VALUES,
        description="Maximum number of values of each field, besides those of the filter.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=_MOST_IDS, description="Maximum number of ids.")]
Offset = Annotated[int, Query(ge=0, description="Number of ids to skip.")]


@router.get(
    "/facets",
    summary="Counts by field",
    response_model=Facets,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 404, 422, 429),
)
async def facets(served: Served, state: State, where: Where, values: Values = _VALUES) -> Response:
    """Return the number of images for the values of each field.

    A field is counted among the images that meet the conditions on all other fields, so that the
    counts of its other values show the result of choosing them.
    """
    return await state.queries.run(_facets, served, where, values)


def _facets(served: ServedRelease, where: ImageFilter, values: int) -> Response:
    counts = FacetCounts(served, where, values)
    answer = Facets(
        total=counts.total,
        **counts.facets(),
        **counts.flags(),
        typicality=counts.typicality(),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(answer)


@router.get(
    "/ids",
    summary="Ids of images",
    response_model=IdList,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 404, 422, 429),
)
async def ids(
    served: Served, state: State, where: Where, limit: Limit = _IDS, offset: Offset = 0
) -> Response:
    """Return the ids of the images that meet the filter, in ascending order."""
    return await state.queries.run(_ids, served, where, limit, offset)


def _ids(served: ServedRelease, where: ImageFilter, limit: int, offset: int) -> Response:
    in_order = served.live.ids_in_order()
    rows = in_order[served.mask(where)[in_order]]
    answer = IdList(
        ids=tuple(served.live.ids(rows[offset:][:limit])),
        total=len(rows),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(answer)
