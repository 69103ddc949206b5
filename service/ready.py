"""Answers as ready bytes, past routing, validation and serialisation."""

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote_plus

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from embeddings.graph import DEGREE
from service.answers import neighborhood
from service.opened import OpenedRelease
from service.state import ServiceState

_KEPT = 2**16
_QUERY = b"id="


class AnswerReady:
    """ASGI middleware that answers `GET /neighbors?id=…` of a stored photograph.

    What the photograph's neighbours are never changes while a release serves, so the answer is made
    once. Whatever else is asked for, errors included, goes the usual way.
    """

    def __init__(self, app: ASGIApp, route: BaseRoute) -> None:
        self._app = app
        self._route = route
        self._of: OpenedRelease | None = None
        self._body: Callable[[int], bytes] = lambda row: b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, or pass the request on."""
        body = self._ready(scope) if scope["type"] == "http" else None
        if body is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _ready(self, scope: Scope) -> bytes | None:
        query: bytes = scope["query_string"]
        if scope["path"] != "/neighbors" or scope["method"] != "GET":
            return None
        if not query.startswith(_QUERY) or b"&" in query:
            return None
        state: ServiceState = scope["state"]["service"]
        opened = state.opened
        if opened is None:
            return None
        row = opened.release.rows.get(unquote_plus(query[len(_QUERY) :].decode("latin-1")))
        if row is None:
            return None
        if opened is not self._of:
            self._of, self._body = opened, _bodies(opened)
        return self._body(row)


def _bodies(opened: OpenedRelease) -> Callable[[int], bytes]:
    @lru_cache(_KEPT)
    def made(row: int) -> bytes:
        found = opened.release.graph.of(row)
        identifier = opened.release.photographs[row].id
        return neighborhood(opened, identifier, DEGREE, found).model_dump_json().encode()

    return made
