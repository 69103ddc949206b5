"""Latencies of the calls behind review, selection and search."""

from collections.abc import Callable, Sequence
from itertools import count
from time import perf_counter

import httpx
import numpy as np

from benchmarks.actions.results import CallFigures
from benchmarks.processes import Running
from benchmarks.writes import latency

BULK = 1000
"""Images of a bulk change."""

_READS, _FRESH_READS, _CHANGES, _BULK_CHANGES = 100, 20, 50, 10
_SEED = 0

Call = Callable[[], httpx.Response]


def measure_calls(
    service: Running, client: httpx.Client, ids: Sequence[str], classes: Sequence[str]
) -> tuple[CallFigures, ...]:
    """Measure each call, one at a time; the collection is written."""
    chance = np.random.default_rng(_SEED)
    numbers = count()

    def label() -> dict[str, str]:
        return {"label": classes[next(numbers) % len(classes)]}

    def some(size: int) -> list[str]:
        found: list[str] = chance.choice(ids, size, replace=False).tolist()
        return found

    bulk = some(BULK)

    def patch() -> httpx.Response:
        return client.patch("/images", params={"id": some(1)[0]}, json=label())

    def change() -> httpx.Response:
        return client.post("/changes", json={"ids": bulk, **label()})

    def search() -> httpx.Response:
        return client.post("/search", json={"like": some(3), "unlike": some(1), "k": 24})

    def get(path: str) -> Call:
        return lambda: client.get(path)

    def measured(name: str, call: Call, times: int, before: Call | None = None) -> CallFigures:
        return _measured(service, name, call, times, before)

    # The writer reads the store before the first change.
    patch().raise_for_status()
    listing, by_state = ("/images?limit=1",), ("/queue", "/facets", "/ids")
    return (
        *(measured(f"`GET {path}`", get(path), _READS) for path in listing + by_state),
        *(
            measured(f"`GET {path}` after a change", get(path), _FRESH_READS, patch)
            for path in by_state
        ),
        measured("`POST /search`, three examples, one counter-example", search, _READS),
        measured("`PATCH /images?id=`", patch, _CHANGES),
        measured(f"`POST /changes` of {BULK:,} labels", change, _BULK_CHANGES),
    )


def _measured(
    service: Running, name: str, call: Call, times: int, before: Call | None
) -> CallFigures:
    """Measure a call after one that is not counted; `before` is called before each."""
    call().raise_for_status()
    seconds, cpu_seconds = [], 0.0
    for _ in range(times):
        if before is not None:
            before().raise_for_status()
        start, cpu = perf_counter(), service.cpu_seconds
        call().raise_for_status()
        seconds.append(perf_counter() - start)
        cpu_seconds += service.cpu_seconds - cpu
    return CallFigures(
        name=name, count=times, latency=latency(seconds), cpu_ms=1000 * cpu_seconds / times
    )
