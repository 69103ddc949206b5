"""Error responses: every error as `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match, Route

from embeddings.errors import BelvedereError
from embeddings.export.formats import UnusableOption
from embeddings.image_box import InvalidBox
from embeddings.images import ImageRejected, Rejection
from embeddings.index import IndexUnavailable
from embeddings.ingest import changes
from embeddings.ingest.changes import ImageChanged, InvalidChange
from embeddings.ingest.classes import UnknownClass
from embeddings.store.tables import StoreDamaged, StoreFull
from service.problems import PROBLEMS, ProblemType, title_of
from service.schemas import Problem
from service.serving.archives import ArchiveUnreadable
from service.serving.errors import (
    QueueFull,
    QueueTimeout,
    ReleaseUnavailable,
    RevisionNotReached,
    SelectionChanged,
    StoreUnreadable,
    UnknownImage,
    UnknownJob,
    UnknownSelection,
    UnknownVersion,
    WorkerFailed,
)

MEDIA_TYPE = "application/problem+json"

MOST_IDS = 1000
"""Ids of a problem."""

_REJECTIONS = {
    Rejection.UNREADABLE: ProblemType.IMAGE_UNREADABLE,
    Rejection.ANIMATED: ProblemType.IMAGE_ANIMATED,
    Rejection.TOO_LARGE: ProblemType.IMAGE_TOO_LARGE,
    Rejection.TOO_SMALL: ProblemType.IMAGE_TOO_SMALL,
}

_SERVING_ERRORS: dict[type[BelvedereError], ProblemType] = {
    QueueFull: ProblemType.QUEUE_FULL,
    QueueTimeout: ProblemType.QUEUE_TIMED_OUT,
    WorkerFailed: ProblemType.WORKER_FAILED,
    UnknownImage: ProblemType.UNKNOWN_IMAGE,
    UnknownVersion: ProblemType.UNKNOWN_VERSION,
    UnknownJob: ProblemType.UNKNOWN_JOB,
    UnknownSelection: ProblemType.UNKNOWN_SELECTION,
    ArchiveUnreadable: ProblemType.MALFORMED_REQUEST,
    InvalidBox: ProblemType.INVALID_PARAMETER,
    InvalidChange: ProblemType.INVALID_PARAMETER,
    UnknownClass: ProblemType.UNKNOWN_CLASS,
    UnusableOption: ProblemType.INVALID_PARAMETER,
    ImageChanged: ProblemType.CHANGED_MEANWHILE,
    SelectionChanged: ProblemType.CHANGED_MEANWHILE,
    changes.UnknownImage: ProblemType.UNKNOWN_IMAGE,
    StoreFull: ProblemType.STORE_FULL,
    StoreDamaged: ProblemType.STORE_UNREADABLE,
    StoreUnreadable: ProblemType.STORE_UNREADABLE,
    ReleaseUnavailable: ProblemType.NOT_READY,
    RevisionNotReached: ProblemType.REVISION_NOT_REACHED,
}

_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


class ServiceProblem(Exception):
    """Request that cannot be answered; the detail is a sentence for the caller."""

    def __init__(
        self, problem_type: ProblemType, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.problem_type = problem_type
        self.detail = detail
        self.headers = headers


def shown(value: object) -> str:
    """Return a value of a request, quoted and cut to the length of a sentence."""
    return f"{value!r:.100}"


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route for these statuses and 503."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    listed: dict[int | str, str] = {status: _causes(status) for status in (*statuses, 503)}
    listed["default"] = "Any other problem, such as 405 or 500."
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": meaning, "content": content} for status, meaning in listed.items()
    }
    if 429 in responses:
        responses[429]["headers"] = _RETRY_AFTER
    return responses


def _causes(status: int) -> str:
    """Return the causes of all problem types with this status, a sentence each."""
    return " ".join(problem.cause for problem in PROBLEMS.values() if problem.status == status)


def answer_errors(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Make an app of these routes answer every error with a problem."""
    app.add_exception_handler(ServiceProblem, _on_service_problem)
    for kind in _SERVING_ERRORS:
        app.add_exception_handler(kind, _on_serving_error)
    app.add_exception_handler(IndexUnavailable, _on_unavailable_index)
    app.add_exception_handler(ImageRejected, _on_rejected_image)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameters)
    app.add_exception_handler(HTTPException, partial(_on_http_exception, routes))
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected)


def respond(
    request: Request,
    problem_type: ProblemType,
    detail: str,
    headers: Mapping[str, str] | None = None,
    kind: str | None = None,
    ids: Sequence[str] = (),
) -> Response:
    """Return a problem as a response.

    It is counted under `kind`, by default the phrase of its status. `ids` are the images concerned.
    """
    status = PROBLEMS[problem_type].status
    kind = kind or HTTPStatus(status).phrase.lower()
    request.state.problem = kind
    state = getattr(request.state, "service", None)
    if state:
        state.metrics.count_problem(kind)
    problem = Problem(
        type=problem_type,
        title=title_of(problem_type),
        status=status,
        detail=detail,
        ids=tuple(ids[:MOST_IDS]) or None,
        release=state.fingerprint if state else None,
    )
    body = problem.model_dump_json(exclude_none=True)
    return Response(body, status, headers, media_type=MEDIA_TYPE)


async def _on_service_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceProblem)
    return respond(request, error.problem_type, error.detail, error.headers)


async def _on_serving_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, BelvedereError)
    seconds = getattr(error, "retry_after", None)
    headers = None if seconds is None else {"Retry-After": str(seconds)}
    ids = getattr(error, "ids", ())
    return respond(request, _SERVING_ERRORS[type(error)], str(error), headers, ids=ids)


async def _on_unavailable_index(request: Request, error: Exception) -> Response:
    assert isinstance(error, IndexUnavailable)
    # The message has the address of the server, which concerns the operator alone.
    detail = (
        "The server of the vector index cannot be searched; try again in "
        f"{error.retry_after} s. Predictions and stored images are still served."
    )
    headers = {"Retry-After": str(error.retry_after)}
    return respond(
        request, ProblemType.INDEX_UNAVAILABLE, detail, headers, kind="index unavailable"
    )


async def _on_rejected_image(request: Request, error: Exception) -> Response:
    assert isinstance(error, ImageRejected)
    kind = f"image {error.rejection.value}"
    return respond(request, _REJECTIONS[error.rejection], str(error), kind=kind)


async def _on_invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    malformed = any(_is_malformed(each["type"]) for each in found)
    return respond(
        request,
        ProblemType.MALFORMED_REQUEST if malformed else ProblemType.INVALID_PARAMETER,
        " ".join(_sentence(each) for each in found),
    )


async def _on_http_exception(
    routes: Sequence[BaseRoute], request: Request, error: Exception
) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        detail = "There is nothing at this address; `/docs` lists every call."
        return respond(request, ProblemType.UNKNOWN_PATH, detail)
    if error.status_code == 405:
        allowed = ", ".join(sorted(_methods(routes, request))) or "GET"
        detail = f"This address does not support {request.method}; use {allowed}."
        return respond(request, ProblemType.METHOD_NOT_ALLOWED, detail, {"Allow": allowed})
    return respond(request, ProblemType.MALFORMED_REQUEST, error.detail, error.headers)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    detail = "The request ended before its body was complete; send all of it."
    return respond(request, ProblemType.MALFORMED_REQUEST, detail)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    detail = "The service failed unexpectedly; its log contains the cause."
    return respond(request, ProblemType.INTERNAL_ERROR, detail)


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    """Return the methods of all routes at a path.

    Starlette's own response names the methods of one of them.
    """
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    methods = {
        method for route in matching if isinstance(route, Route) for method in route.methods or ()
    }
    return methods | {"HEAD"} if "GET" in methods else methods


def _is_malformed(kind: str) -> bool:
    return kind in ("missing", "json_invalid") or "_parsing" in kind or kind.endswith("_type")


def _sentence(error: Mapping[str, Any]) -> str:
    name = error["loc"][-1]
    if error["type"] == "json_invalid":
        return f"The body is not JSON ({error['ctx']['error']}); send a JSON object."
    if error["loc"] == ("body",):
        return "The body is missing or not a JSON object; send one, as `application/json`."
    if error["type"] == "missing":
        place = "body" if error["loc"][0] == "body" else "address"
        return f"The parameter `{name}` is missing; add it to the {place}."
    if error["type"] in ("too_short", "too_long"):
        return _wrong_length(name, error["ctx"])
    expected = error["msg"].replace("Input should", "it should", 1)
    return f"The parameter `{name}` is {shown(error['input'])}: {expected}."


def _wrong_length(name: object, facts: Mapping[str, Any]) -> str:
    """Return the sentence about a list with too few or too many items."""
    count = facts.get("actual_length")
    given = "too many items" if count is None else f"{count:,} item{'' if count == 1 else 's'}"
    least, most = facts.get("min_length"), facts.get("max_length")
    limit = f"at most {most:,}" if least is None else f"at least {least:,}"
    return f"The parameter `{name}` has {given}; send {limit}."
