"""Answers that are ready leave at once, past routing, validation and serialisation."""

from urllib.parse import unquote_plus

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from service.state import ServiceState

_QUERY = b"id="


class AnswerReady:
    """ASGI middleware that answers `GET /neighbors?id=…` of a stored photograph.

    Whatever else is asked for, errors included, goes the usual way.
    """

    def __init__(self, app: ASGIApp, route: BaseRoute) -> None:
        self._app = app
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, or pass the request on."""
        body = _ready(scope) if scope["type"] == "http" else None
        if body is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _ready(scope: Scope) -> bytes | None:
    query: bytes = scope["query_string"]
    if scope["path"] != "/neighbors" or scope["method"] != "GET":
        return None
    if not query.startswith(_QUERY) or b"&" in query:
        return None
    state: ServiceState = scope["state"]["service"]
    if state.ready is None:
        return None
    return state.ready.neighbors_of(unquote_plus(query[len(_QUERY) :].decode("latin-1")))
