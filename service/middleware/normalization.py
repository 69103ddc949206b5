"""Requests in the form that the routes know."""

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class NormalizationMiddleware:
    """ASGI middleware that passes `HEAD` on as `GET`, and paths without the root path.

    The root path is the one under which a reverse proxy shows the service; requests may come with
    or without it. To `HEAD` the server sends the headers alone, since it knows the method that was
    sent.
    """

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app = app
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the normalized request."""
        if scope["type"] == "http":
            if scope["method"] == "HEAD":
                scope = {**scope, "method": "GET"}
            if self._root and scope["path"] == self._root:
                # The page's addresses are relative to a path that ends with a slash.
                await RedirectResponse(f"{self._root}/", 308)(scope, receive, send)
                return
            if self._root and scope["path"].startswith(f"{self._root}/"):
                scope = {**scope, "path": scope["path"].removeprefix(self._root)}
        await self._app(scope, receive, send)
