"""What every answer says in its headers: the request's id, and what browsers must not do."""

import re
from collections.abc import Iterator
from contextvars import ContextVar
from itertools import count
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = b"x-request-id"

SECURITY = (
    (b"content-security-policy",
     b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; "
     b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)  # fmt: skip
"""Browsers load nothing from elsewhere, frame nothing, guess no types and tell no addresses."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request that is being answered."""

_ACCEPTED = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class DressAnswers:
    """ASGI middleware that gives each request an id, kept where the caller sends one, and says it.

    An id that could not stand in a log line is replaced.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._new = _ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer under an id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
        identifier = own if _ACCEPTED.fullmatch(own) else next(self._new)
        request_id.set(identifier.decode())

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (REQUEST_ID, identifier), *SECURITY]
            await send(message)

        await self._app(scope, receive, dressed)


def _ids() -> Iterator[bytes]:
    """Unique among all processes, and cheaper than a random number each."""
    process = token_hex(6)
    return (f"{process}-{number:x}".encode() for number in count())
