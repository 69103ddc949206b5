"""Dependencies of routes: service state, served release, images by id, filters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

from embeddings.image_box import ImageBox
from embeddings.ingest import classes
from embeddings.ingest.names import checked_label
from service.api.errors import ServiceProblem, shown
from service.image_filter import (
    EVERY_IMAGE,
    NAMES,
    OF_VERSIONS,
    REPEATED,
    SCHEMA,
    ImageFilter,
    from_json,
)
from service.problems import ProblemType
from service.schemas import MOST_NEIGHBORS
from service.serving.served_release import ServedRelease
from service.serving.state import ServiceState


def state_of(request: Request) -> ServiceState:
    """Return the state that all requests share."""
    state: ServiceState = request.state.service
    return state


HEADERS_ONLY = "belvedere.headers_only"
"""Key of the scope of a request whose response is sent without its body."""

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


async def headers_only(request: Request) -> bool:
    """Return whether the response is sent without its body."""
    return HEADERS_ONLY in request.scope


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
HeadersOnly = Annotated[bool, Depends(headers_only)]


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


def _parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a condition of a filter as an OpenAPI parameter."""
    left_out = ("title", "description", "default")
    described = {key: value for key, value in schema.items() if key not in left_out}
    # A parameter that is not given is null.
    described = described["anyOf"][0] if "anyOf" in described else described
    text = schema["description"]
    if name in REPEATED:
        text += " May be repeated: any of the values."
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": text,
        "schema": described,
    }


FILTER_PARAMETERS: dict[str, Any] = {
    "parameters": [_parameter(name, each) for name, each in SCHEMA["properties"].items()]
}
"""Part of the OpenAPI description of a route that takes a filter."""


# The parameters are read here: FastAPI would validate each of them for every request.
async def filter_of(request: Request) -> ImageFilter:
    """Return the filter of the parameters of a request. Raises `RequestValidationError`."""
    given = request.query_params
    names = given.keys() & NAMES
    if not names:
        return EVERY_IMAGE
    values = {name: given.getlist(name) if name in REPEATED else given[name] for name in names}
    try:
        return from_json(values)
    except ValidationError as error:
        found = [{**each, "loc": ("query", each["loc"][0])} for each in error.errors()]
        raise RequestValidationError(found) from error


RequestedFilter = Annotated[ImageFilter, Depends(filter_of)]


async def filter_of_state(served: Served, where: RequestedFilter) -> ImageFilter:
    """Return the filter of a request about the served state.

    Raises `RequestValidationError`, and `ServiceProblem` (422) for an unknown class.
    """
    refuse_unknown_classes(where, served)
    return where


def refuse_unknown_classes(where: ImageFilter, served: ServedRelease) -> None:
    """Raise `ServiceProblem` (422) if a filter names a class that neither images nor model have."""
    known = served.manifest.classes
    # Other labels than those of the model are looked up only if needed.
    if not {*where.label} <= {*known}:
        refuse_other_classes(where.label, served.classes)
    refuse_other_classes(where.predicted, known)


def refuse_other_classes(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise `ServiceProblem` (422) if a name is not one of the classes."""
    for name in names:
        if name not in known:
            raise ServiceProblem(
                ProblemType.INVALID_PARAMETER,
                f"There is no class {shown(name)}; the classes are {', '.join(known)}.",
            )


def refuse_new_classes(
    labels: Iterable[str | None], served: ServedRelease, *, new_class: bool
) -> None:
    """Raise `UnknownClass` if a label is no class, unless `new_class` says that it becomes one.

    Raises `InvalidChange` for an unusable label.
    """
    given = {checked_label(each) for each in labels if each is not None}
    # Other labels than those of the model are looked up only if needed.
    if not new_class and not given <= {*served.manifest.classes}:
        remedy = "Send `new_class=true` to create a class."
        classes.refuse_new_classes(sorted(given), served.classes, remedy)


def refuse_conditions_of_states(where: ImageFilter) -> None:
    """Raise `ServiceProblem` (422) for conditions that only the served state can answer."""
    others = [f"`{name}`" for name in where.names() if name not in OF_VERSIONS]
    if others:
        raise ServiceProblem(
            ProblemType.INVALID_PARAMETER,
            "Images of a dataset version can be filtered by `label` and `split` alone; leave out "
            f"`at`, or {', '.join(others)}.",
        )


Where = Annotated[ImageFilter, Depends(filter_of_state)]


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
