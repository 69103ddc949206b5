"""`/tsne`: t-SNE map of the embeddings."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from embeddings.arrays import Points, Rows
from embeddings.recognition import Observe, encode_image
from service.api.auth import REQUIRE_API_KEY
from service.api.dependencies import FILTER_PARAMETERS, Served, State, Where
from service.api.errors import ServiceProblem, problem_responses
from service.api.http_caching import accepts_gzip, coding_headers
from service.api.uploads import UPLOAD_BODY, Upload
from service.image_filter import ImageFilter
from service.problems import ProblemType
from service.schemas import Map, Placement, Point
from service.serving.precomputed import published_map
from service.serving.responses import as_json, map_of
from service.serving.served_release import ServedRelease
from service.serving.tsne_jobs import MOST_DRAWN, MOST_FITTED, sample_rows

router = APIRouter(tags=["map"])

Drawn = Annotated[
    int,
    Query(ge=1, le=MOST_DRAWN, description="Number of images; all if there are fewer."),
]
Seed = Annotated[
    int | None,
    Query(
        ge=0,
        lt=2**32,
        description=(
            "Seed of the sample and of the map; by default the seed of the release and its map. "
            "The map of another seed is fitted on request, which takes seconds."
        ),
    ),
]


@router.get(
    "/tsne",
    summary="Map of stored images",
    dependencies=REQUIRE_API_KEY,
    response_model=Map,
    openapi_extra=FILTER_PARAMETERS,
    responses=problem_responses(400, 401, 404, 422, 429),
)
async def tsne_of_stored(
    request: Request,
    served: Served,
    state: State,
    where: Where,
    n: Drawn = 500,
    seed: Seed = None,
) -> Response:
    """Return a t-SNE map: images added since the release, then a random sample of the others.

    An image added later gets a place among the images of the release, which do not move.
    """
    if seed is None or seed == served.manifest.map_seed:
        if not where.is_empty:
            return await state.queries.run(_published, served, where, n)
        small = accepts_gzip(request)
        body = await state.queries.run(published_map, served, min(n, served.count), small)
        return Response(body, headers=coding_headers(small), media_type="application/json")
    among = await state.queries.run(served.among, where)
    count = served.count if among is None else int(among.sum())
    if min(n, count) > MOST_FITTED:
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER,
            f"The map of another seed than {served.manifest.map_seed} is fitted on request and has "
            f"at most {MOST_FITTED} images; request fewer.",
        )
    rows = await state.queries.run(sample_rows, served.live, n, seed, among)
    if not len(rows):
        return _shown(served, rows, np.empty((0, 2)))
    points = await state.maps.points(served.live, rows, seed)
    return await state.queries.run(_shown, served, rows, points)


def _published(served: ServedRelease, where: ImageFilter, n: int) -> Response:
    rows = sample_rows(served.live, n, served.manifest.map_seed, served.mask(where))
    return _shown(served, rows, served.live.points(rows))


def _shown(served: ServedRelease, rows: Rows, points: Points) -> Response:
    return as_json(map_of(served, rows, points))


@router.post(
    "/tsne",
    summary="Position of an uploaded image on the map",
    dependencies=REQUIRE_API_KEY,
    response_model=Placement,
    openapi_extra=UPLOAD_BODY,
    responses=problem_responses(400, 401, 408, 413, 415, 422, 429),
)
async def tsne_of_upload(served: Served, state: State, upload: Upload) -> Response:
    """Return the position of an uploaded image on the map of the release; it is not stored."""
    return await state.images.run(_placed, served, upload, state.metrics.observe_stage)


def _placed(served: ServedRelease, upload: bytes, observe: Observe) -> Response:
    embedding = encode_image(served.model.encoder, upload, observe).embeddings[0]
    # The images of the release alone determine places, so that they do not depend on later ones.
    x, y = served.live.place(embedding)
    placement = Placement(
        point=Point(x=x, y=y),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )
    return as_json(placement)
