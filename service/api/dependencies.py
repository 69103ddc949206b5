"""What routes take from a request: the served release, photographs by id, filters."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from embeddings.file_names import to_nfc
from embeddings.store.records import Split
from service.api.errors import ServiceProblem, shown
from service.problems import ProblemType
from service.serving.precomputed import ResponseCache
from service.serving.served_release import Selection, ServedRelease
from service.serving.state import ServiceState


def state_of(request: Request) -> ServiceState:
    """What the app keeps for as long as it lives."""
    state: ServiceState = request.state.service
    return state


# Each takes the request itself: dependencies of dependencies are solved anew for every call.
async def service_state(request: Request) -> ServiceState:
    """What the app keeps for as long as it lives."""
    return state_of(request)


async def served_release(request: Request) -> ServedRelease:
    """The release to answer from. Raises `ReleaseUnavailable`."""
    return state_of(request).current_release()


async def cached_responses(request: Request) -> ResponseCache:
    """The answers that the release has ready. Raises `ReleaseUnavailable`."""
    return state_of(request).current_responses()


MOST_NEIGHBORS = 1000
"""Largest `k`."""

MOST_LISTED = 10_000
"""Largest `limit`."""

State = Annotated[ServiceState, Depends(service_state)]
Served = Annotated[ServedRelease, Depends(served_release)]
Responses = Annotated[ResponseCache, Depends(cached_responses)]


async def row_of_id(
    served: Served,
    id: Annotated[
        str,
        Query(description="A stored photograph: its path in the data set without the extension."),
    ],
) -> int:
    """The row of the photograph asked for. Raises `UnknownImage`."""
    return served.row(id)


Row = Annotated[int, Depends(row_of_id)]


async def selection(
    served: Served,
    label: Annotated[str | None, Query(description="Only photographs of this class.")] = None,
    split: Annotated[Split | None, Query(description="Only this side of the split.")] = None,
) -> Selection:
    """The photographs to consider. Raises `ServiceProblem` (422)."""
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
    Path(
        description="Path of the photograph in its data set without the extension, percent-encoded."
    ),
]

Count = Annotated[
    int,
    Query(
        ge=1, le=MOST_NEIGHBORS, description="How many neighbours; more than there are gives all."
    ),
]
