"""`python -m benchmarks.million`: a service with a million images, for each kind of index.

The release of BELVEDERE_HOME gives the encoder; the collection is generated
(`benchmarks/large_home.py`). The kind `milvus` is measured if BELVEDERE_MILVUS_URI is set.
"""

import http.client
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from benchmarks import services
from benchmarks.environment import describe_machine
from benchmarks.large_home import LargeHome, write_large_home
from benchmarks.measurements import Figures, Measurement, bench_home, save
from benchmarks.processes import Running, resident_kinds
from embeddings.arrays import Floats, Rows
from embeddings.index.flat import FlatIndex
from embeddings.release.reader import (
    Release,
    current_release,
    open_release,
    read_embeddings,
    read_manifest,
)
from embeddings.settings import IndexSettings
from embeddings.store.store import Store
from service.local_server import LOCAL

NEIGHBORS = 3
_REQUESTED = 4
"""Neighbours of a request; those of three are kept ready and need no search."""

_STARTS = 3
_QUERIES = 200
_UPLOADS = 100
_SEED = 0


class MillionSettings(BaseSettings):
    """Settings of this measurement."""

    model_config = SettingsConfigDict(env_prefix="BENCH_", env_ignore_empty=True, frozen=True)

    images: int = Field(1_000_000, description="Number of images of the generated collection.")
    kinds: tuple[str, ...] = Field(("flat", "hnsw", "ivf"), description="Kinds of index, JSON.")


class Latency(Figures):
    """Milliseconds from a request to its answer, one client."""

    p50_ms: float
    p95_ms: float


class Memory(Figures):
    """Resident memory in 10^6 bytes."""

    anonymous: float
    mapped: float
    """Pages of files, which the system takes back if another process needs memory."""

    @property
    def resident(self) -> float:
        """Both kinds together."""
        return self.anonymous + self.mapped


class KindFigures(Figures):
    """Figures of one kind of index."""

    kind: str
    parameters: dict[str, str | int | float]
    build_seconds: float
    """Time to build the index and to compute all digests of the release."""
    index_megabytes: float
    """Files of the index, in 10^6 bytes."""
    seconds_to_ready: tuple[float, ...]
    ready: Memory
    searched: Memory
    """Memory after all searches."""
    stored: Latency
    """Search of the neighbours of a stored image."""
    upload: Latency
    """Search of the neighbours of an uploaded image; it is decoded and encoded first."""
    recall: float
    """Share (0-1) of the three nearest images that the searches of stored images return."""


class MillionMeasurement(Measurement):
    """Service with a large collection."""

    machine: str
    images: int
    dimension: int
    kinds: tuple[KindFigures, ...]


@dataclass(frozen=True)
class _Requests:
    """Requests, and the ids of the nearest images of the stored ones."""

    ids: Sequence[str]
    nearest: Sequence[frozenset[str]]
    uploads: Sequence[bytes]


def main() -> None:
    """Measure each kind, and save the results in BELVEDERE_HOME after each."""
    home, settings = bench_home(), MillionSettings()
    release = open_release(current_release(home / "releases"))
    with TemporaryDirectory(prefix=".million-", dir=home) as folder:
        store = Store(str(home / "store"))
        made = write_large_home(Path(folder), release, store, settings.images)
        requests = _requests(made, release, store)
        found: list[KindFigures] = []
        for figures in _measured(made, requests, settings.kinds):
            found.append(figures)
            save(
                MillionMeasurement(
                    machine=describe_machine(),
                    images=settings.images,
                    dimension=release.embeddings.shape[1],
                    kinds=tuple(found),
                ),
                home,
            )


def _measured(made: LargeHome, requests: _Requests, kinds: Sequence[str]) -> Iterator[KindFigures]:
    milvus = ("milvus",) if IndexSettings().milvus_uri else ()
    for kind in (*kinds, *milvus):
        start = perf_counter()
        folder = made.publish(IndexSettings(index=kind))
        yield measure_kind(made.home, folder, requests, perf_counter() - start)


def measure_kind(
    home: Path, folder: Path, requests: _Requests, build_seconds: float
) -> KindFigures:
    """Start the service of a home several times, and search in it."""
    seconds = []
    for _ in range(_STARTS - 1):
        with services.ours(home).started() as service:
            seconds.append(service.seconds_to_ready)
    with services.ours(home).started() as service:
        seconds.append(service.seconds_to_ready)
        ready = _memory(service)
        answers, stored = _stored(service, requests.ids)
        upload = _uploaded(service, requests.uploads)
        searched = _memory(service)
    sealed = read_manifest(folder).index
    files = (path for path in (folder / "index").rglob("*") if path.is_file())
    return KindFigures(
        kind=sealed.kind,
        parameters=sealed.parameters,
        build_seconds=build_seconds,
        index_megabytes=sum(path.stat().st_size for path in files) / 1e6,
        seconds_to_ready=tuple(seconds),
        ready=ready,
        searched=searched,
        stored=stored,
        upload=upload,
        recall=_recall(answers, requests.nearest),
    )


def _requests(made: LargeHome, release: Release, store: Store) -> _Requests:
    chance = np.random.default_rng(_SEED)
    rows = chance.choice(len(made.images), min(_QUERIES, len(made.images)), replace=False)
    digests = chance.choice(release.images.digests, _UPLOADS).tolist()
    ids, embeddings = made.images.ids, read_embeddings(made.contents)
    return _Requests(
        ids=[ids[row] for row in rows],
        nearest=[frozenset(ids[each] for each in near) for near in _nearest(embeddings, rows)],
        uploads=tuple(store.at().jpegs(digests)),
    )


def _nearest(embeddings: Floats, rows: Rows) -> Iterator[Rows]:
    index = FlatIndex(embeddings)
    for row in rows.tolist():
        yield index.search(embeddings[row], NEIGHBORS, exclude=row).rows


def _stored(service: Running, ids: Sequence[str]) -> tuple[list[frozenset[str]], Latency]:
    paths = (f"/neighbors?id={quote(each, safe='')}&k={_REQUESTED}" for each in ids)
    bodies, latency = _timed(service, [_Call("GET", path) for path in paths])
    found = ([near["id"] for near in json.loads(body)["neighbors"]] for body in bodies)
    return [frozenset(each[:NEIGHBORS]) for each in found], latency


def _uploaded(service: Running, uploads: Sequence[bytes]) -> Latency:
    path = f"/neighbors?k={_REQUESTED}"
    return _timed(service, [_Call("POST", path, each) for each in uploads])[1]


class _Call(NamedTuple):
    method: str
    path: str
    body: bytes | None = None


def _timed(service: Running, calls: Sequence[_Call]) -> tuple[list[bytes], Latency]:
    """Return the answers to calls, one after the other on one connection, and their latency."""
    connection = http.client.HTTPConnection(LOCAL, service.port, timeout=60)
    bodies, times = [], []
    for call in calls:
        start = perf_counter()
        connection.request(call.method, call.path, call.body, {"Content-Type": "image/jpeg"})
        response = connection.getresponse()
        bodies.append(response.read())
        times.append(1e3 * (perf_counter() - start))
        if response.status != http.client.OK:
            raise RuntimeError(f"{call.method} {call.path}: {response.status} {bodies[-1]!r}")
    connection.close()
    p50, p95 = np.percentile(times, [50, 95]).tolist()
    return bodies, Latency(p50_ms=p50, p95_ms=p95)


def _memory(service: Running) -> Memory:
    found = resident_kinds(service.process.pid)
    return Memory(anonymous=found.anonymous / 1e6, mapped=found.mapped / 1e6)


def _recall(found: Sequence[frozenset[str]], nearest: Sequence[frozenset[str]]) -> float:
    pairs = zip(found, nearest, strict=True)
    return float(np.mean([len(answer & true) / NEIGHBORS for answer, true in pairs]))


if __name__ == "__main__":
    main()
