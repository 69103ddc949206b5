"""Metrics and log of every request."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.json_logging import extra
from service.metrics import Metrics
from service.serving.state import ServiceState
from service.settings import LoggedRequests

_UNKNOWN = "unknown"
_REFUSED = 405
_FAILED = 500

_log = logging.getLogger(__name__)


class AccessLogMiddleware:
    """ASGI middleware that counts, times and logs every request under the template of its route.

    For privacy, neither image ids nor client addresses are logged.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, logged: LoggedRequests) -> None:
        self._app = app
        self._metrics = metrics
        self._least = 0 if logged == "all" else 400

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, then count and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _FAILED
        started = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # Paths and methods of unknown routes would create metrics without bound.
            route = getattr(scope.get("route"), "path", _UNKNOWN)
            method = _UNKNOWN if route == _UNKNOWN or status == _REFUSED else scope["method"]
            seconds = time.perf_counter() - started
            self._metrics.observe(method, route, status, seconds)
            if status >= self._least:
                log_request(scope, method, route, status, seconds)


def log_request(scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
    """Log one completed request: its route, without parameters and client address."""
    state: ServiceState = scope["state"]["service"]
    _log.log(
        logging.ERROR if status >= _FAILED else logging.INFO,
        "request completed",
        extra=extra(
            method=method,
            route=route,
            status=status,
            seconds=round(seconds, 6),
            problem=scope["state"].get("problem"),
            release=state.fingerprint,
        ),
    )
