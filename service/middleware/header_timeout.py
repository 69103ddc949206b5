"""Limits of the time and size of request headers, which are read before any ASGI application."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.api.errors import MEDIA_TYPE
from service.problems import ProblemType, title_of
from service.schemas import Problem

HEADER_SECONDS = 10.0
"""Seconds from the connection, or the first byte of a later request, to the end of its headers."""

HEADER_BYTES = 64 * 1024


class HeaderTimeoutProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with a time-out and a size limit for request headers.

    The same time-out ends connections whose client keeps sending a refused body. Without it a few
    clients could occupy all connections (Slowloris), or all memory.
    """

    timeout = HEADER_SECONDS

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._timer: asyncio.TimerHandle | None = None
        self._in_headers = True
        self._in_refused_body = False
        self._has_large_headers = False
        self._received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the first request."""
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes, and close the connection if headers exceed their size.

        Most requests arrive whole and need no timer.
        """
        self._received += len(data)
        super().data_received(data)
        if not self._in_headers:
            self._received = 0
            if not self._in_refused_body:
                self._stop_timer()
            return
        self._start_timer()
        if self._received > HEADER_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Expect headers."""
        super().on_message_begin()
        self._in_headers = True

    def on_headers_complete(self) -> None:
        """Pass the request on. Raises ValueError if its headers are too large."""
        # One read can hold more than the limit and the end of the headers.
        if self._received > HEADER_BYTES and self._header_bytes() > HEADER_BYTES:
            self._has_large_headers = True
            raise ValueError("the headers are too large")
        self._in_headers = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Start the timer if the client has not sent the whole body."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._in_refused_body = True
            self._start_timer()

    def on_message_complete(self) -> None:
        """Expect no more of the body."""
        self._in_refused_body = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Send the reason of a refusal as a problem and close the connection."""
        if self._has_large_headers:
            msg = f"The headers have more than {HEADER_BYTES // 1024} KiB; send fewer."
        body = _malformed(msg).model_dump_json(exclude_none=True).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[400] + lines + b"\r\n" + body)
        self.transport.close()

    def _header_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.timeout, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _malformed(detail: str) -> Problem:
    problem = ProblemType.MALFORMED_REQUEST
    return Problem(type=problem, title=title_of(problem), status=400, detail=detail)
