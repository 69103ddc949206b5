"""Dependencies of routes: service state, served release, images by id, filters."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

from embeddings.file_names import to_nfc
from embeddings.image_box import ImageBox
from embeddings.store.split import Split
from service.api.errors import ServiceProblem, shown
from service.problems import ProblemType
from service.schemas import MOST_NEIGHBORS
from service.serving.served_release import Selection, ServedRelease
from service.serving.state import ServiceState


def state_of(request: Request) -> ServiceState:
    """Return the state that all requests share."""
    state: ServiceState = request.state.service
    return state


_MIN_REVISION = "min_revision"
_MIN_REVISION_TEXT = (
    "Least revision of the feature store that the response must contain, such as that of a write; "
    "the service waits up to 2 s for it."
)

MinRevision = Annotated[int, Query(ge=0, description=_MIN_REVISION_TEXT)]

MIN_REVISION_PARAMETER = {
    "name": _MIN_REVISION,
    "in": "query",
    "required": False,
    "description": _MIN_REVISION_TEXT,
    "schema": {"type": "integer", "minimum": 0, "default": 0},
}
"""The same parameter as OpenAPI, for a route that takes the request alone."""

_REVISION = TypeAdapter(Annotated[int, Field(ge=0)])


# Each uses the request directly: FastAPI would resolve nested dependencies for every request.
async def service_state(request: Request) -> ServiceState:
    """Return the state that all requests share."""
    return state_of(request)


async def served_release(request: Request, min_revision: MinRevision = 0) -> ServedRelease:
    """Return the served state. Raises `ReleaseUnavailable` and `RevisionNotReached`."""
    return await state_of(request).release_at(min_revision)


def requested_revision(request: Request) -> int:
    """Return `min_revision` of a request. Raises `RequestValidationError`."""
    try:
        return _REVISION.validate_python(request.query_params.get(_MIN_REVISION, 0))
    except ValidationError as error:
        found = [{**each, "loc": ("query", _MIN_REVISION)} for each in error.errors()]
        raise RequestValidationError(found) from error


MOST_LISTED = 10_000
"""Maximum of `limit`."""

_LONGEST_VERSION = 200

State = Annotated[ServiceState, Depends(service_state)]
Served = Annotated[ServedRelease, Depends(served_release)]


RowId = Annotated[str, Query(description="Id of a stored image, as listed by `GET /images`.")]


async def row_of_id(served: Served, id: RowId) -> int:
    """Return the row of the requested image. Raises `UnknownImage`."""
    return served.row(id)


Version = Annotated[
    str,
    Query(
        min_length=1,
        max_length=_LONGEST_VERSION,
        description="Tag or revision of a dataset version, as listed by `GET /versions`.",
    ),
]

At = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=_LONGEST_VERSION,
        description="Tag or revision of a dataset version, as listed by `GET /versions`; by "
        "default the served state.",
    ),
]

Row = Annotated[int, Depends(row_of_id)]


Label = Annotated[str | None, Query(description="Return only images of this class.")]
InSplit = Annotated[Split | None, Query(description="Return only images of this split.")]


async def selection(served: Served, label: Label = None, split: InSplit = None) -> Selection:
    """Return the filters of the request. Raises `ServiceProblem` (422)."""
    return Selection(stored_label(label, served), split)


def stored_label(label: str | None, served: ServedRelease) -> str | None:
    """Return the label of a filter in NFC. Raises `ServiceProblem` (422) for an unknown one."""
    # Other labels than those of the model are looked up only if needed.
    return label if label in served.manifest.classes else known_label(label, served.classes)


def known_label(label: str | None, classes: Sequence[str]) -> str | None:
    """Return the name of a class in NFC. Raises `ServiceProblem` (422) for an unknown one."""
    if label is None or label in classes:
        return label
    normalized = to_nfc(label)
    if normalized in classes:
        return normalized
    raise ServiceProblem(
        ProblemType.INVALID_PARAMETER,
        f"There is no class {shown(normalized)}; the classes are {', '.join(classes)}.",
    )


Selected = Annotated[Selection, Depends(selection)]


async def box(
    box: Annotated[
        str | None,
        Query(
            description="Part of the image, `x,y,w,h`: left and upper edge, width and height, as "
            "fractions of the width and height of the image. By default all of it."
        ),
    ] = None,
) -> ImageBox | None:
    """Return the part of the image that a request is about. Raises `InvalidBox`."""
    return None if box is None else ImageBox.of(box)


Part = Annotated[ImageBox | None, Depends(box)]

Identifier = Annotated[
    str,
    Path(description="Id of the image, percent-encoded."),
]

Count = Annotated[
    int,
    Query(ge=1, le=MOST_NEIGHBORS, description="Number of neighbours; all if there are fewer."),
]
