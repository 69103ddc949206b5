"""Metrics of the service for Prometheus; docs/metrics.md lists them."""

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from embeddings.release.manifest import Manifest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_IMAGES = (1, 2, 5, 10, 20, 50, 100)


class _Requests(Collector):
    """Counts and durations of completed requests; written on the event loop alone.

    The library's own classes lock and look labels up, which costs more than a precomputed response.
    """

    def __init__(self) -> None:
        self._statuses: Counts[tuple[str, str, int]] = Counts()
        self._buckets: dict[tuple[str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record one completed request."""
        labels = method, route
        if labels not in self._buckets:
            self._buckets[labels] = [0] * (len(_SECONDS) + 1)
            self._seconds[labels] = 0.0
        self._buckets[labels][bisect_left(_SECONDS, seconds)] += 1
        self._seconds[labels] += seconds
        self._statuses[method, route, status] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield both metrics."""
        durations = HistogramMetricFamily(
            "belvedere_request_seconds",
            "Seconds from the arrival of a request to the end of its response.",
            labels=("method", "route"),
        )
        for labels, counts in list(self._buckets.items()):
            sums = zip((*_SECONDS, "+Inf"), accumulate(counts), strict=True)
            buckets = [(str(limit), float(count)) for limit, count in sums]
            durations.add_metric(labels, buckets, self._seconds[labels])
        yield durations
        requests = CounterMetricFamily(
            "belvedere_requests", "Completed requests.", labels=("method", "route", "status")
        )
        for (method, route, status), count in list(self._statuses.items()):
            requests.add_metric((method, route, str(status)), count)
        yield requests


Stage = Literal["wait", "decode", "inference"]


class Metrics:
    """Metrics of one application, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = _Requests()
        self._registry.register(self._requests)
        self._stages = Histogram(
            "belvedere_stage_seconds",
            "Seconds that an uploaded image spends in a stage: wait, decode or inference.",
            ("stage",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._problems = Counter(
            "belvedere_problems",
            "Error responses by kind.",
            ("kind",),
            registry=self._registry,
        )
        self._waiting = Gauge(
            "belvedere_queue_length", "Jobs that wait for a thread.", ("queue",),
            registry=self._registry,
        )  # fmt: skip
        self._release = Gauge(
            "belvedere_release_info",
            "Served release.",
            ("release", "data", "network"),
            registry=self._registry,
        )
        self._images = Gauge(
            "belvedere_photographs",
            "Stored images.",
            registry=self._registry,
        )
        self._revision = Gauge(
            "belvedere_revision",
            "Served revision of the feature store.",
            registry=self._registry,
        )
        self._changes = Gauge(
            "belvedere_changed_images",
            "Images that were added, changed or deleted since the served release; a replaced one "
            "counts as two.",
            registry=self._registry,
        )
        self._poll = Gauge(
            "belvedere_poll_age_seconds",
            "Seconds since the feature store was last read for changes.",
            registry=self._registry,
        )

        self._writes = Counter(
            "belvedere_writes", "Changes of images by outcome.", ("outcome",),
            registry=self._registry,
        )  # fmt: skip
        self._write_seconds = Histogram(
            "belvedere_write_seconds",
            "Seconds from the submission of a change to its durable commit.",
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._commits = Histogram(
            "belvedere_commit_images",
            "Images in one commit.",
            registry=self._registry,
            buckets=_IMAGES,
        )
        self._folds = Counter(
            "belvedere_folds", "Foldings of changes into a new release by outcome.", ("outcome",),
            registry=self._registry,
        )  # fmt: skip
        self._fold_seconds = Gauge(
            "belvedere_fold_seconds", "Seconds that the last folding took.",
            registry=self._registry,
        )  # fmt: skip
        self._disk = Gauge(
            "belvedere_disk_bytes",
            "Bytes on the disk.",
            ("part",),
            registry=self._registry,
        )

    def show_disk_use(self, used: Mapping[str, int]) -> None:
        """Set the bytes of each part of the store and of the releases."""
        for part, size in used.items():
            self._disk.labels(part).set(size)

    def show_release(self, manifest: Manifest) -> None:
        """Set the served release."""
        self._release.clear()
        self._release.labels(
            manifest.fingerprint, manifest.data.name, manifest.encoder.experiment
        ).set(1)

    def watch_state(
        self,
        *,
        revision: Callable[[], float],
        images: Callable[[], float],
        changes: Callable[[], float],
        poll: Callable[[], float],
    ) -> None:
        """Report the figures of the served state at each collection; `poll` is in seconds."""
        self._revision.set_function(revision)
        self._images.set_function(images)
        self._changes.set_function(changes)
        self._poll.set_function(poll)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record one completed request."""
        self._requests.observe(method, route, status, seconds)

    def observe_stage(self, stage: Stage, seconds: float) -> None:
        """Record the time of one image in a stage."""
        self._stages.labels(stage).observe(seconds)

    def observe_fold(self, seconds: float, *, failed: bool) -> None:
        """Record a folding of changes into a new release."""
        self._folds.labels("failed" if failed else "published").inc()
        self._fold_seconds.set(seconds)

    def observe_write(self, outcome: str, seconds: float) -> None:
        """Record one change of images, and the time until it was durable."""
        self._writes.labels(outcome).inc()
        self._write_seconds.observe(seconds)

    def observe_commit(self, images: int) -> None:
        """Record the number of images in a commit."""
        self._commits.observe(images)

    def watch_queue(self, name: str, length: Callable[[], int]) -> None:
        """Report the length of a queue at each collection."""
        self._waiting.labels(name).set_function(length)

    def count_problem(self, kind: str) -> None:
        """Record one error response."""
        self._problems.labels(kind).inc()

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
