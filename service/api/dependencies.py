"""Dependencies of routes: service state, served release, images by id, filters."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from embeddings.file_names import to_nfc
from embeddings.store.split import Split
from service.api.errors import ServiceProblem, shown
from service.problems import ProblemType
from service.serving.precomputed import ResponseCache
from service.serving.served_release import Selection, ServedRelease
from service.serving.state import ServiceState


def state_of(request: Request) -> ServiceState:
    """Return the state that all requests share."""
    state: ServiceState = request.state.service
    return state


# Each uses the request directly: FastAPI would resolve nested dependencies for every request.
async def service_state(request: Request) -> ServiceState:
    """Return the state that all requests share."""
    return state_of(request)


async def served_release(request: Request) -> ServedRelease:
    """Return the served release. Raises `ReleaseUnavailable`."""
    return state_of(request).current_release()


async def cached_responses(request: Request) -> ResponseCache:
    """Return the precomputed responses of the release. Raises `ReleaseUnavailable`."""
    return state_of(request).current_responses()


MOST_NEIGHBORS = 1000
"""Maximum of `k`."""

MOST_LISTED = 10_000
"""Maximum of `limit`."""

State = Annotated[ServiceState, Depends(service_state)]
Served = Annotated[ServedRelease, Depends(served_release)]
Responses = Annotated[ResponseCache, Depends(cached_responses)]


async def row_of_id(
    served: Served,
    id: Annotated[
        str,
        Query(description="Id of a stored image, as listed by `GET /images`."),
    ],
) -> int:
    """Return the row of the requested image. Raises `UnknownImage`."""
    return served.row(id)


Row = Annotated[int, Depends(row_of_id)]


async def selection(
    served: Served,
    label: Annotated[str | None, Query(description="Return only images of this class.")] = None,
    split: Annotated[Split | None, Query(description="Return only images of this split.")] = None,
) -> Selection:
    """Return the filters of the request. Raises `ServiceProblem` (422)."""
    classes = served.manifest.classes
    if label is not None and label not in classes:
        label = to_nfc(label)
    if label is not None and label not in classes:
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER,
            f"There is no class {shown(label)}; the classes are {', '.join(classes)}.",
        )
    return Selection(label, split)


Selected = Annotated[Selection, Depends(selection)]

Identifier = Annotated[
    str,
    Path(description="Id of the image, percent-encoded."),
]

Count = Annotated[
    int,
    Query(ge=1, le=MOST_NEIGHBORS, description="Number of neighbours; all if there are fewer."),
]
