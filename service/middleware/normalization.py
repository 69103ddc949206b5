"""Normalisation of requests: method `HEAD` and root path."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.dependencies import HEADERS_ONLY


class NormalizationMiddleware:
    """ASGI middleware that passes `HEAD` on as `GET`, and removes the root path from paths.

    The scope of `HEAD` has the key `HEADERS_ONLY`, so that a route can leave out the work for a
    large body. The server knows the original method and sends only the headers in response to
    `HEAD`. A reverse proxy publishes the service under the root path, and may strip it or not.
    """

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app = app
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the normalized request on."""
        if scope["type"] == "http":
            if scope["method"] == "HEAD":
                scope = {**scope, "method": "GET", HEADERS_ONLY: True}
            if self._root and scope["path"] == self._root:
                # The page's addresses are relative to a path that ends with a slash.
                await RedirectResponse(f"{self._root}/", 308)(scope, receive, send)
                return
            if self._root and scope["path"].startswith(f"{self._root}/"):
                scope = {**scope, "path": scope["path"].removeprefix(self._root)}
        await self._app(scope, receive, send)
