"""What routes take from a request: the opened release, photographs by id, filters."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from embeddings.file_names import composed
from embeddings.store.records import Split
from service.api.errors import ServiceProblem, shown
from service.serving.precomputed import ReadyAnswers
from service.serving.served_release import OpenedRelease, Selection
from service.serving.state import ServiceState


def state_of(request: Request) -> ServiceState:
    """What the app keeps for as long as it lives."""
    state: ServiceState = request.state.service
    return state


# Each takes the request itself: dependencies of dependencies are solved anew for every call.
async def service_state(request: Request) -> ServiceState:
    """What the app keeps for as long as it lives."""
    return state_of(request)


async def opened_release(request: Request) -> OpenedRelease:
    """The release to answer from. Raises `ServiceProblem` (503)."""
    state = state_of(request)
    if state.opened is None:
        raise _not_served(state)
    return state.opened


async def ready_answers(request: Request) -> ReadyAnswers:
    """The answers that the release has ready. Raises `ServiceProblem` (503)."""
    state = state_of(request)
    if state.ready is None:
        raise _not_served(state)
    return state.ready


def _not_served(state: ServiceState) -> ServiceProblem:
    soon = {"Retry-After": "1"} if state.opening else None
    return ServiceProblem(503, state.reason or "No release is served.", soon)


MOST_NEIGHBORS = 1000
"""Largest `k`."""

MOST_LISTED = 10_000
"""Largest `limit`."""

State = Annotated[ServiceState, Depends(service_state)]
Opened = Annotated[OpenedRelease, Depends(opened_release)]
Ready = Annotated[ReadyAnswers, Depends(ready_answers)]


async def row_of_id(
    opened: Opened,
    id: Annotated[
        str,
        Query(description="A stored photograph: its path in the data set without the extension."),
    ],
) -> int:
    """The row of the photograph asked for. Raises `ServiceProblem` (404)."""
    return opened.row(id)


Row = Annotated[int, Depends(row_of_id)]


async def selection(
    opened: Opened,
    label: Annotated[str | None, Query(description="Only photographs of this class.")] = None,
    split: Annotated[Split | None, Query(description="Only this side of the split.")] = None,
) -> Selection:
    """The photographs to consider. Raises `ServiceProblem` (422)."""
    classes = opened.manifest.classes
    if label is not None and label not in classes:
        label = composed(label)
    if label is not None and label not in classes:
        raise ServiceProblem(
            422, f"There is no class {shown(label)}; the classes are {', '.join(classes)}."
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
