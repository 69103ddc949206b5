"""Answers that are ready leave at once, past routing, validation and serialisation."""

from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from service.headers import HEADERS, RequestIds
from service.metrics import Metrics
from service.state import ServiceState

_PATH = "/neighbors"
_JSON = (b"content-type", b"application/json")


class AnswerReady:
    """ASGI application around another one that answers `GET /neighbors?id=…` of stored photographs.

    Whatever else is asked for, errors included, goes the usual way.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, ids: RequestIds) -> None:
        self._app = app
        self._metrics = metrics
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, or pass the request on."""
        started = perf_counter()
        body = _ready(scope)
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-length", b"%d" % len(body)), _JSON, self._ids.header(scope), *HEADERS]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._metrics.observe("GET", _PATH, 200, perf_counter() - started)


def _ready(scope: Scope) -> bytes | None:
    if scope["type"] != "http" or scope["path"] != _PATH or scope["method"] != "GET":
        return None
    state: ServiceState = scope["state"]["service"]
    return None if state.ready is None else state.ready.neighborhood(scope["query_string"])
