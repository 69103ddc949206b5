"""Every request is counted, timed and, where it is worth a line, logged."""

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
    """ASGI middleware that counts every request under the template of its route.

    Neither ids nor addresses of callers are logged: what somebody looks at is nobody else's affair.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, logged: LoggedRequests) -> None:
        self._app = app
        self._metrics = metrics
        self._least = 0 if logged == "all" else 400

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and watch it."""
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
            # Paths and methods of unknown calls would grow the figures without bound.
            route = getattr(scope.get("route"), "path", _UNKNOWN)
            method = _UNKNOWN if route == _UNKNOWN or status == _REFUSED else scope["method"]
            seconds = time.perf_counter() - started
            self._metrics.observe(method, route, status, seconds)
            if status >= self._least:
                log_request(scope, method, route, status, seconds)


def log_request(scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
    """Log one answered request: its route, and neither what it asked for nor who asked."""
    state: ServiceState = scope["state"]["service"]
    _log.log(
        logging.ERROR if status >= _FAILED else logging.INFO,
        "Answered.",
        extra=extra(
            method=method,
            route=route,
            status=status,
            seconds=round(seconds, 6),
            problem=scope["state"].get("problem"),
            release=state.fingerprint,
        ),
    )
