"""What the service counts about itself, in Prometheus' text format."""

from collections.abc import Callable
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from embeddings.release.manifest import Manifest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


Stage = Literal["wait", "decode", "inference"]


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
        self._stages = Histogram(
            "belvedere_stage_seconds",
            "Time that an image spends in a stage of its way: wait, decode, inference; in seconds.",
            ("stage",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._problems = Counter(
            "belvedere_problems",
            "Requests that could not be answered, by what was wrong.",
            ("kind",),
            registry=self._registry,
        )
        self._waiting = Gauge(
            "belvedere_queue_length", "Jobs that wait for a thread.", ("queue",),
            registry=self._registry,
        )  # fmt: skip
        self._release = Gauge(
            "belvedere_release_info",
            "The release that is served.",
            ("release", "data", "network"),
            registry=self._registry,
        )
        self._images = Gauge(
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
        self._images.set(manifest.data.photographs)

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

    def observe_stage(self, stage: Stage, seconds: float) -> None:
        """Count the time that one image spent in a stage."""
        self._stages.labels(stage).observe(seconds)

    def watch_queue(self, name: str, length: Callable[[], int]) -> None:
        """Show the length of a queue whenever the figures are asked for."""
        self._waiting.labels(name).set_function(length)

    def count_problem(self, kind: str) -> None:
        """Count one request that could not be answered."""
        self._problems.labels(kind).inc()

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)
