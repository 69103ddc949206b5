"""Headers of every response: request id and security headers."""

import re
from itertools import count
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.json_logging import request_id

HEADERS = (
    (b"content-security-policy",
     b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; "
     b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)  # fmt: skip
"""Security headers: no third-party content, framing, MIME sniffing or referrer."""

_NAME = b"x-request-id"
_ACCEPTED = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """Source of request ids, unique among all processes and cheaper than random numbers.

    An id sent by the client is used if it consists of characters that are safe in a log line.
    """

    def __init__(self) -> None:
        self._process = token_hex(6).encode()
        self._numbers = count()

    def header(self, scope: Scope) -> tuple[bytes, bytes]:
        """Return the response header with the id of the request."""
        for name, value in scope["headers"]:
            if name == _NAME and _ACCEPTED.fullmatch(value):
                return _NAME, value
        return _NAME, b"%s-%x" % (self._process, next(self._numbers))


class ResponseHeadersMiddleware:
    """ASGI middleware that adds the headers to every response and sets the current request id."""

    def __init__(self, app: ASGIApp, ids: RequestIds) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        header = self._ids.header(scope)
        request_id.set(header[1].decode())

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], header, *HEADERS]
            await send(message)

        await self._app(scope, receive, dressed)
