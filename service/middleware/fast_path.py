"""Precomputed responses, sent without routing, validation and serialisation."""

from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from service.json_logging import request_id
from service.metrics import Metrics
from service.middleware.access_log import log_request
from service.middleware.request_id import HEADERS, RequestIds
from service.serving.precomputed import ready_neighborhood, row_of
from service.serving.state import ServiceState
from service.settings import LoggedRequests

_PATH = "/neighbors"
_JSON = (b"content-type", b"application/json")


class PrecomputedResponseMiddleware:
    """ASGI middleware that answers `GET /neighbors?id=…` of stored images.

    All other requests, errors included, are passed on.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, ids: RequestIds, logged: LoggedRequests
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._ids = ids
        self._logs = logged == "all"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the precomputed response, or pass the request on."""
        started = perf_counter()
        body = _ready(scope)
        if body is None:
            await self._app(scope, receive, send)
            return
        identifier = self._ids.header(scope)
        headers = [(b"content-length", b"%d" % len(body)), _JSON, identifier, *HEADERS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        seconds = perf_counter() - started
        self._metrics.observe("GET", _PATH, 200, seconds)
        if self._logs:
            request_id.set(identifier[1].decode())
            log_request(scope, "GET", _PATH, 200, seconds)


def _ready(scope: Scope) -> bytes | None:
    if scope["type"] != "http" or scope["path"] != _PATH or scope["method"] != "GET":
        return None
    state: ServiceState = scope["state"]["service"]
    served = state.served
    if served is None:
        return None
    row = row_of(served, scope["query_string"])
    return None if row is None else ready_neighborhood(served, row)
