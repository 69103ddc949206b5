"""Patience with clients: how long and how large a request may be before its body is read."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
"""From the connection, or the first byte of a later request, to the end of its headers."""

HEADER_BYTES = 64 * 1024


class HeaderTimeoutProtocol(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, but whoever does not finish the headers in time is hung up on.

    So is who sends headers without end, or goes on sending a body that was refused. Else a few
    clients could take every connection, or all the memory.
    """

    patience = HEADER_SECONDS

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._waiting: asyncio.TimerHandle | None = None
        self._in_headers = True
        self._in_refused_body = False
        self._received = 0
        self._header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came, but no more than headers may have.

        Most requests come whole, and nothing is waited for.
        """
        super().data_received(data)
        if not self._in_headers:
            if not self._in_refused_body:
                self._stop()
            return
        self._wait()
        self._received += len(data)
        if self._received > HEADER_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        """Expect the headers of a request."""
        super().on_message_begin()
        self._in_headers = True
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass the request on."""
        self._in_headers = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the rest of a body that nobody reads."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._in_refused_body = True
            self._wait()

    def on_message_complete(self) -> None:
        """Wait no longer for a body."""
        self._in_refused_body = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Say why the request is refused, and hang up."""
        if self._header_bytes > HEADER_BYTES:
            msg = f"The headers have more than {HEADER_BYTES // 1024} KiB; send fewer."
        super().send_400_response(msg)

    def _count(self, size: int) -> None:
        # One read can hold more than the limit and end the headers, too.
        self._header_bytes += size
        if self._header_bytes > HEADER_BYTES:
            raise ValueError("the headers are too large")

    def _wait(self) -> None:
        if self._waiting is None:
            self._received = 0
            self._waiting = self.loop.call_later(self.patience, self.transport.close)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
