"""Every error leaves the service here, as `application/problem+json` (RFC 9457)."""

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
from embeddings.images import MAX_PIXELS, MIN_SIDE, ImageRejected, Rejection
from service.schemas import Problem
from service.serving.errors import (
    QueueFull,
    QueueTimeout,
    ReleaseUnavailable,
    StoreUnreadable,
    UnknownImage,
    WorkerFailed,
)
from service.settings import ServiceSettings

MEDIA_TYPE = "application/problem+json"

_REJECTIONS = {
    Rejection.UNREADABLE: 415,
    Rejection.ANIMATED: 415,
    Rejection.TOO_LARGE: 413,
    Rejection.TOO_SMALL: 422,
}

_SERVING_ERRORS: dict[type[BelvedereError], int] = {
    QueueFull: 429,
    QueueTimeout: 503,
    WorkerFailed: 503,
    UnknownImage: 404,
    StoreUnreadable: 503,
    ReleaseUnavailable: 503,
}

_DEFAULTS = ServiceSettings.model_fields

_MEANINGS = {
    400: "The request is malformed: a parameter is missing or of another type, or the form of an "
    "upload cannot be read.",
    401: "The service has a key, and the header `X-API-Key` does not hold it.",
    404: "No photograph or experiment has this name, or none fits the filters.",
    408: "The body took longer to arrive than the service waits "
    f"({_DEFAULTS['upload_seconds'].default:g} s unless set otherwise).",
    413: "The body has too many bytes "
    f"(more than {_DEFAULTS['upload_limit'].default >> 20} MiB unless set otherwise), or the image "
    f"has more than {MAX_PIXELS // 10**6} million pixels.",
    415: "The body is no image that is read here: JPEG, PNG or WebP, whole and not animated, "
    "without a `Content-Encoding`.",
    422: "A value is out of range, the class is unknown, or a side of the image has fewer than "
    f"{MIN_SIDE} pixels.",
    429: "As many requests are waiting as may; try again after the seconds in `Retry-After`.",
    503: "No release is served, or its files cannot be read; `GET /readyz` says when it is ready.",
}

_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "integer", "minimum": 1},
    }
}


class ServiceProblem(Exception):
    """The request cannot be answered; the detail is a sentence that says what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def shown(value: object) -> str:
    """What somebody sent, short enough for a sentence."""
    return f"{value!r:.100}"


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These errors in the form in which a route lists its responses; 503 is always among them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    listed: dict[int | str, str] = {status: _MEANINGS[status] for status in (*statuses, 503)}
    listed["default"] = (
        "Any other error, such as 405 for a method that is not answered here, or 500 where the "
        "service itself fails."
    )
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": meaning, "content": content} for status, meaning in listed.items()
    }
    if 429 in responses:
        responses[429]["headers"] = _RETRY_AFTER
    return responses


def answer_errors(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Make an app of these routes answer every error as a problem."""
    app.add_exception_handler(ServiceProblem, _on_service_problem)
    for kind in _SERVING_ERRORS:
        app.add_exception_handler(kind, _on_serving_error)
    app.add_exception_handler(ImageRejected, _on_rejected_image)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameters)
    app.add_exception_handler(HTTPException, partial(_on_http_exception, routes))
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected)


def respond(
    request: Request,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
    kind: str | None = None,
) -> Response:
    """The answer that says what is wrong; it is counted under `kind`, or under the status."""
    kind = kind or HTTPStatus(status).phrase.lower()
    request.state.problem = kind
    state = getattr(request.state, "service", None)
    if state:
        state.metrics.count_problem(kind)
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        release=state.fingerprint if state else None,
    )
    body = problem.model_dump_json(exclude_none=True)
    return Response(body, status, headers, media_type=MEDIA_TYPE)


async def _on_service_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceProblem)
    return respond(request, error.status, error.detail, error.headers)


async def _on_serving_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, BelvedereError)
    seconds = getattr(error, "retry_after", None)
    headers = None if seconds is None else {"Retry-After": str(seconds)}
    return respond(request, _SERVING_ERRORS[type(error)], str(error), headers)


async def _on_rejected_image(request: Request, error: Exception) -> Response:
    assert isinstance(error, ImageRejected)
    kind = f"image {error.rejection.value}"
    return respond(request, _REJECTIONS[error.rejection], str(error), kind=kind)


async def _on_invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    status = 400 if any(_is_malformed(each["type"]) for each in found) else 422
    return respond(request, status, " ".join(_sentence(each) for each in found))


async def _on_http_exception(
    routes: Sequence[BaseRoute], request: Request, error: Exception
) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return respond(request, 404, "There is nothing at this address; `/docs` lists every call.")
    if error.status_code == 405:
        allowed = ", ".join(sorted(_methods(routes, request))) or "GET"
        detail = f"{request.method} is not answered at this address; use {allowed}."
        return respond(request, 405, detail, {"Allow": allowed})
    return respond(request, error.status_code, error.detail, error.headers)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return respond(request, 400, "The request ended early; send all of it.")


async def _on_unexpected(request: Request, error: Exception) -> Response:
    return respond(request, 500, "The service failed on this request; its log says why.")


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    """The methods of an address; the router's own answer names one route's methods alone."""
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    methods = {
        method for route in matching if isinstance(route, Route) for method in route.methods or ()
    }
    return methods | {"HEAD"} if "GET" in methods else methods


def _is_malformed(kind: str) -> bool:
    return kind == "missing" or "_parsing" in kind or kind.endswith("_type")


def _sentence(error: Mapping[str, Any]) -> str:
    name = error["loc"][-1]
    if error["type"] == "missing":
        return f"The parameter `{name}` is missing; add it to the address."
    expected = error["msg"].replace("Input should", "it should", 1)
    return f"The parameter `{name}` is {shown(error['input'])}: {expected}."
