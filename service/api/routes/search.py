"""`/search`: stored images like some examples and unlike others."""

from collections.abc import Sequence

import numpy as np
from fastapi import APIRouter, Response

from embeddings.arrays import Rows
from embeddings.example_query import query_of_examples
from service.api.dependencies import FILTER_PARAMETERS, Served, State, Where
from service.api.errors import ServiceProblem, problem_responses, shown
from service.image_filter import ImageFilter
from service.problems import ProblemType
from service.schemas import ExampleSearch, SearchExamples
from service.serving.responses import as_json, found_by_examples
from service.serving.served_release import ServedRelease

router = APIRouter(tags=["neighbours"])


@router.post(
    "/search",
    summary="Images like some and unlike others",
    response_model=ExampleSearch,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 404, 413, 422, 429),
)
async def search(served: Served, state: State, where: Where, examples: SearchExamples) -> Response:
    """Return the stored images nearest to the examples and away from the counter-examples.

    All images are compared; the examples and counter-examples are left out. The filters are
    parameters of the address, as for `GET /neighbors`.
    """
    return await state.queries.run(_search, served, examples, where)


def _search(served: ServedRelease, examples: SearchExamples, where: ImageFilter) -> Response:
    like, unlike = _rows(served, examples.like), _rows(served, examples.unlike)
    _refuse_contradiction(served, like, unlike)
    embeddings = served.live.index.embeddings
    query = query_of_examples(embeddings[like], embeddings[unlike])
    eligible = served.mask(where).copy()
    eligible[like] = eligible[unlike] = False
    found = served.live.index.search(query, examples.k, among=eligible, exact=True)
    return as_json(found_by_examples(served, like, unlike, examples.k, found))


def _rows(served: ServedRelease, ids: Sequence[str]) -> Rows:
    """Return the rows of ids, without repetitions. Raises `UnknownImage`."""
    return np.array([*dict.fromkeys(map(served.row, ids))], np.int64)


def _refuse_contradiction(served: ServedRelease, like: Rows, unlike: Rows) -> None:
    both = np.intersect1d(like, unlike)
    if len(both):
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER,
            f"{shown(served.live.ids(both)[0])} is in `like` and in `unlike`; leave it out of one.",
        )
