"""What the service counts about itself, in Prometheus' text format."""

import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from embeddings.manifest import Manifest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UNKNOWN = "unknown"


class Metrics:
    """The figures of one app, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        # Looking labels up costs more than counting.
        self._known: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}
        ProcessCollector(registry=self._registry)
        self._seconds = Histogram(
            "belvedere_request_seconds",
            "Time from the request to the end of its answer, in seconds.",
            ("method", "route"),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._requests = Counter(
            "belvedere_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._release = Gauge(
            "belvedere_release_info",
            "The release that is served.",
            ("release", "data", "network"),
            registry=self._registry,
        )
        self._photographs = Gauge(
            "belvedere_photographs",
            "Photographs in the release that is served.",
            registry=self._registry,
        )

    def show_release(self, manifest: Manifest) -> None:
        """Say which release is served from now on."""
        self._release.clear()
        self._release.labels(
            manifest.fingerprint, manifest.data.name, manifest.encoder.experiment
        ).set(1)
        self._photographs.set(manifest.data.photographs)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (method, route, status)
        if key not in self._known:
            self._known[key] = (
                self._seconds.labels(method, route), self._requests.labels(method, route, status)
            )  # fmt: skip
        duration, count = self._known[key]
        duration.observe(seconds)
        count.inc()

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)


class MeasureRequests:
    """ASGI middleware that counts every request under the template of its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
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
            method = _UNKNOWN if route == _UNKNOWN else scope["method"]
            self._metrics.observe(method, route, status, time.perf_counter() - started)
