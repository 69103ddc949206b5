"""`/queue` and `/duplicates`: images to look at."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from embeddings.review.queue import Goal
from service.api.dependencies import FILTER_PARAMETERS, Served, State, Where
from service.api.errors import problem_responses
from service.image_filter import ImageFilter
from service.schemas import DuplicateList, ReviewQueue
from service.serving.duplicates import duplicates_page
from service.serving.responses import as_json
from service.serving.review import review_page
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["review"])

_MOST_ITEMS = 1000
_MOST_GROUPS = 100

ReviewGoal = Annotated[
    Goal, Query(description="`review` of labels, or `label` for images without one.")
]
Items = Annotated[int, Query(ge=1, le=_MOST_ITEMS, description="Maximum number of images.")]
Groups = Annotated[int, Query(ge=1, le=_MOST_GROUPS, description="Maximum number of groups.")]
Offset = Annotated[int, Query(ge=0, description="Number of images or groups to skip.")]


@router.get(
    "/queue",
    summary="Images to look at",
    response_model=ReviewQueue,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 404, 422, 429, 503),
)
async def queue(
    served: Served,
    state: State,
    where: Where,
    goal: ReviewGoal = "review",
    limit: Items = 20,
    offset: Offset = 0,
) -> Response:
    """Return the images whose label is doubtful, or worth the most, with reasons as numbers.

    Images whose present label a person has set or kept since the last change of the file are left
    out. An item about a validation image has `affects`, the effect of a correction on the figures.
    """
    page = slice(offset, offset + limit)
    return await state.queries.run(_queue, served, goal, where, page)


def _queue(served: ServedRelease, goal: Goal, where: ImageFilter, page: slice) -> Response:
    return as_json(review_page(served, goal, where, page))


@router.get(
    "/duplicates",
    summary="Groups of duplicates",
    response_model=DuplicateList,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 404, 422, 429, 503),
)
async def duplicates(
    served: Served, state: State, where: Where, limit: Groups = 20, offset: Offset = 0
) -> Response:
    """Return the groups of images with near embeddings or nearly equal thumbnails.

    Each has a suggestion of the best image. Images that a person has found to be different are not
    offered again. With filters, one image of a group must match.
    """
    page = slice(offset, offset + limit)
    return await state.images.run(_duplicates, served, where, page)


def _duplicates(served: ServedRelease, where: ImageFilter, page: slice) -> Response:
    return as_json(duplicates_page(served, where, page))
