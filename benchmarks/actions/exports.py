"""Time and memory of an export of all records and embeddings."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from time import perf_counter

import httpx

from benchmarks.actions.results import ExportFigures
from benchmarks.processes import Running, resident_kinds

_TIMES = 3
_SAMPLE_SECONDS = 0.01


@dataclass
class _Peak:
    """Largest sampled value in bytes."""

    bytes: int


def measure_export(service: Running, client: httpx.Client, identifier: str) -> ExportFigures:
    """Export all images as Parquet several times, after one export of a single image."""
    client.post("/export", json={"ids": [identifier]}).raise_for_status()
    seconds, cpu_seconds, size = [], [], 0
    before = resident_kinds(service.process.pid).anonymous
    with _sampled(service.process.pid, before) as peak:
        for _ in range(_TIMES):
            start, cpu = perf_counter(), service.cpu_seconds
            size = _download(client)
            seconds.append(perf_counter() - start)
            cpu_seconds.append(service.cpu_seconds - cpu)
    return ExportFigures(
        seconds=tuple(seconds),
        cpu_seconds=tuple(cpu_seconds),
        file_megabytes=size / 1e6,
        memory_megabytes=(peak.bytes - before) / 1e6,
    )


def _download(client: httpx.Client) -> int:
    """Return the size of the file, which is not kept."""
    with client.stream("GET", "/export") as answer:
        answer.raise_for_status()
        return sum(map(len, answer.iter_raw()))


@contextmanager
def _sampled(pid: int, start: int) -> Iterator[_Peak]:
    """Sample the anonymous memory of a process until the block ends."""
    ended, peak = Event(), _Peak(start)

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            peak.bytes = max(peak.bytes, resident_kinds(pid).anonymous)

    thread = Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
