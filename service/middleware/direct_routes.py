"""Frequent calls, handled without FastAPI's routing and dependency injection."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


class DirectRoutesMiddleware:
    """ASGI middleware that calls the endpoints of some routes itself.

    Each endpoint takes the request alone and returns a response; its path has no parameters. The
    application inside has the same routes, since it describes them. `handlers` maps kinds of
    exceptions to the handlers that turn them into responses.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route], handlers: Mapping[Any, Any]) -> None:
        self._app = app
        self._routes = {(method, each.path): each for each in routes for method in _methods(each)}
        # Unexpected errors pass on to the outermost middleware, which also logs them.
        known = {kind: each for kind, each in handlers.items() if kind is not Exception}
        self._direct = ExceptionMiddleware(_call, known)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the endpoint of the request, or pass the request on."""
        is_http = scope["type"] == "http"
        route = self._routes.get((scope["method"], scope["path"])) if is_http else None
        if route is None:
            await self._app(scope, receive, send)
        else:
            scope["route"] = route
            await self._direct(scope, receive, send)


def _methods(route: Route) -> set[str]:
    return route.methods or set()


async def _call(scope: Scope, receive: Receive, send: Send) -> None:
    response = await scope["route"].endpoint(Request(scope, receive))
    await response(scope, receive, send)
