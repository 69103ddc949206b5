"""Requests in the form that the routes know."""

from starlette.types import ASGIApp, Receive, Scope, Send


class NormalizeRequests:
    """ASGI middleware that passes `HEAD` on as `GET`.

    The server sends the headers alone, since it knows the method that was sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the normalized request."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
