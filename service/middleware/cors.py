"""Cross-origin requests (CORS) from the origins of the settings."""

from collections.abc import Sequence

from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.schemas import API_KEY_HEADER, RELEASE_HEADER, REVISION_HEADER

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_HEADERS = (API_KEY_HEADER, "Content-Type", "If-Match", "If-None-Match", "X-Request-ID")
_ANSWER_HEADERS = (
    REVISION_HEADER,
    RELEASE_HEADER,
    "Content-Disposition",
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-ID",
)


class CrossOriginMiddleware(CORSMiddleware):
    """CORS for these origins; a request from any other origin is answered as without CORS.

    Every answer says `Vary: Origin`, so that no cache hands the answer for one origin to another.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_ANSWER_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers of CORS for a named origin."""
        if scope["type"] == "http":
            origin = Headers(scope=scope).get("origin")
            if origin is not None and not self.is_allowed_origin(origin):
                others = [each for each in scope["headers"] if each[0] != b"origin"]
                scope = {**scope, "headers": others}
        await super().__call__(scope, receive, send)
