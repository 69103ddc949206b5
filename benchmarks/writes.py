"""`python -m benchmarks.writes`: changes of the images through a running service.

A copy of BELVEDERE_HOME is written. New images are stored ones, mirrored and tinted, so that their
files and embeddings are new. Folds are off, since each takes a core for seconds.
"""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter, sleep

import httpx
import numpy as np
from PIL import Image

from benchmarks.copies import client_of, copy_home, started
from benchmarks.loads import PACE
from benchmarks.measurements import Figures, Measurement, bench_home, save
from benchmarks.processes import Running
from benchmarks.wrk import Answered, Request, load
from embeddings.encoder import Encoder
from embeddings.release.reader import Release, current_release, open_release
from embeddings.store.store import Store

WRITES = 200
"""Changes of each kind, one after the other."""

BULK = 1000
"""Images of a bulk request."""

STARTED = 5000
"""Unfolded changes at a start."""

REPLICA_POLL = 0.5
"""Polling interval of the replica in seconds."""

WRITES_PER_SECOND = 20
ROUNDS = 3

_CLIENTS = 16
_SECONDS = 4
_SEEN_AFTER = 60
_QUERIES = 500
_POLL_SECONDS = 0.005
_QUALITY = 88


class Latency(Figures):
    """Latencies of single calls, one at a time, in milliseconds."""

    p50_ms: float
    p95_ms: float


class ReadRound(Figures):
    """Answers to `GET /neighbors?id=` without and with writes at the same time."""

    alone: Answered
    beside_writes: Answered
    paced_beside_writes: Answered
    """At `PACE` requests per second."""


class WriteMeasurement(Measurement):
    """Durations of changes, and rates of reads beside them."""

    images: int
    """Images of the collection."""
    put: Latency
    relabel: Latency
    delete: Latency
    replica: Latency
    """From an acknowledgement until a replica contains the change."""
    bulk_seconds: tuple[float, ...]
    loop_seconds: tuple[float, ...]
    """The plain loop that decodes and encodes the same files on all cores."""
    reads: tuple[ReadRound, ...]
    start_seconds: tuple[float, ...]
    changed_start_seconds: tuple[float, ...]
    """Start to ready with `STARTED` unfolded changes."""


def main() -> None:
    """Measure and save the result in BELVEDERE_HOME."""
    home = bench_home()
    with TemporaryDirectory(prefix="writes-", dir=home) as folder:
        save(measure(home, Path(folder)), home)


def measure(home: Path, folder: Path) -> WriteMeasurement:
    """Measure a copy of a home in a folder."""
    release = open_release(current_release(home / "releases"))
    first, other = release.manifest.classes[:2]
    copy = copy_home(home, folder / "single")
    files = new_files(Store(str(copy / "store")), WRITES + 1 + ROUNDS * BULK)
    with started(copy, BELVEDERE_WRITABLE="1") as writer, client_of(writer) as client:
        with started(copy, BELVEDERE_POLL=str(REPLICA_POLL)) as replica:
            put = _put_all(client, files[: WRITES + 1], first)
            seen = _measure_replica(client, replica, (other, first))
        label = {"label": other}
        relabel = _timed(lambda name: client.patch("/images", params=name, json=label), _names())
        delete = _timed(lambda name: client.delete("/images", params=name), _names())
    bulk, loops = _measure_bulk(home, folder / "bulk", release, files[WRITES + 1 :])
    with started(copy_home(home, folder / "reads"), BELVEDERE_WRITABLE="1") as writer:
        numbers = count()
        reads = tuple(_read_round(writer, release, numbers) for _ in range(ROUNDS))
    starts = _measure_starts(home, folder / "starts")
    return WriteMeasurement(
        images=len(release.images),
        put=put,
        relabel=relabel,
        delete=delete,
        replica=seen,
        bulk_seconds=bulk,
        loop_seconds=loops,
        reads=reads,
        start_seconds=starts[0],
        changed_start_seconds=starts[1],
    )


def new_files(store: Store, count: int) -> list[bytes]:
    """Return JPEG files that differ from all stored ones, made from them."""
    digests = store.at().images.digests
    rng = np.random.default_rng(0)
    chosen = [digests[row] for row in rng.integers(0, len(digests), count).tolist()]
    return [_variant(file, rng) for file in store.blobs.jpegs(chosen)]


def _variant(file: bytes, rng: np.random.Generator) -> bytes:
    with Image.open(io.BytesIO(file)) as image:
        pixels = np.asarray(image.convert("RGB"), np.int16)[:, ::-1]
    tinted = np.clip(pixels + rng.integers(-25, 26, (1, 1, 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(tinted).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _names() -> Iterator[Mapping[str, str]]:
    return ({"id": f"new/{number}"} for number in range(1, WRITES + 1))


def _put_all(client: httpx.Client, files: Sequence[bytes], label: str) -> Latency:
    """Store the files; the first one waits for the start of the writer and is not counted."""

    def put(number: int) -> httpx.Response:
        return client.put(f"/images/new/{number}", content=files[number], params={"label": label})

    put(0).raise_for_status()
    return _timed(put, range(1, len(files)))


def _timed(call: Callable[..., httpx.Response], arguments: "Iterator[object] | range") -> Latency:
    seconds = []
    for argument in arguments:
        start = perf_counter()
        call(argument).raise_for_status()
        seconds.append(perf_counter() - start)
    return latency(seconds)


def latency(seconds: Sequence[float]) -> Latency:
    """Return the median and the 95th percentile of durations in seconds."""
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95]).tolist()
    return Latency(p50_ms=p50, p95_ms=p95)


def _measure_replica(client: httpx.Client, replica: Running, labels: Sequence[str]) -> Latency:
    """Return the times until a replica contains changes that come at random times.

    The labels are given in turn.
    """
    rng, seconds = np.random.default_rng(1), []
    with client_of(replica) as reader:
        for label in islice(cycle(labels), _SEEN_AFTER):
            sleep(float(rng.uniform(0, REPLICA_POLL)))
            changed = client.patch("/images", params={"id": "new/0"}, json={"label": label})
            start, revision = perf_counter(), changed.raise_for_status().json()["revision"]
            while reader.get("/livez").json()["revision"] < revision:
                sleep(_POLL_SECONDS)
            seconds.append(perf_counter() - start)
    return latency(seconds)


def _measure_bulk(
    home: Path, folder: Path, release: Release, files: Sequence[bytes]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the seconds of bulk requests and, alternately, of the plain loop."""
    encoder = Encoder(release.encoder, release.manifest.encoder.precision)
    bulk, loops = [], []
    for number in range(ROUNDS):
        part = files[number * BULK :][:BULK]
        start = perf_counter()
        for _ in encoder.encode_files(part):
            pass
        loops.append(perf_counter() - start)
        copy = copy_home(home, folder / str(number))
        with started(copy, BELVEDERE_WRITABLE="1") as writer, client_of(writer) as client:
            # The writer reads the store in the background.
            client.delete("/images", params={"id": release.images.ids[0]}).raise_for_status()
            bulk.append(_send(client, part))
    return tuple(bulk), tuple(loops)


def _send(client: httpx.Client, files: Sequence[bytes]) -> float:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for number, file in enumerate(files):
            archive.writestr(f"lake/bulk {number}.jpg", file)
    headers = {"Content-Type": "application/zip"}
    start = perf_counter()
    accepted = client.post("/images", content=body.getvalue(), headers=headers).raise_for_status()
    while (job := client.get(accepted.headers["Location"]).json())["finished"] is None:
        sleep(10 * _POLL_SECONDS)
    seconds = perf_counter() - start
    if job["state"] != "done":
        raise RuntimeError(f"The job ended as {job['state']}: {job['detail']}")
    return seconds


def _read_round(writer: Running, release: Release, numbers: Iterator[int]) -> ReadRound:
    ids = np.random.default_rng(0).choice(release.images.ids, _QUERIES).tolist()
    requests = [Request(str(httpx.URL("/neighbors", params={"id": each}))) for each in ids]

    def answers(per_second: int | None = None) -> Answered:
        return load(writer.url, requests, clients=_CLIENTS, seconds=_SECONDS, per_second=per_second)

    alone = answers()
    with _writing(writer, release, numbers):
        return ReadRound(alone=alone, beside_writes=answers(), paced_beside_writes=answers(PACE))


@contextmanager
def _writing(writer: Running, release: Release, numbers: Iterator[int]) -> Iterator[None]:
    """Relabel images at a steady rate until the block ends, each with its next class."""
    ended, classes = Event(), release.manifest.classes

    def write() -> None:
        with client_of(writer) as client:
            due = perf_counter()
            while not ended.wait(max(0.0, due - perf_counter())):
                turn, row = divmod(next(numbers), len(release.images))
                image = release.record(row)
                place = classes.index(image.label) if image.label in classes else 0
                label = {"label": classes[(place + turn + 1) % len(classes)]}
                client.patch("/images", params={"id": image.id}, json=label).raise_for_status()
                due += 1 / WRITES_PER_SECOND

    thread = Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _measure_starts(home: Path, folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the seconds from start to ready, without and with unfolded changes."""
    plain, changed = copy_home(home, folder / "plain"), copy_home(home, folder / "changed")
    store = Store(str(changed / "store"))
    images = store.at().images
    store.put(
        [
            images[number % len(images)].model_copy(update={"id": f"more/{number}", "added": None})
            for number in range(STARTED)
        ]
    )
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for each, found in zip((plain, changed), seconds, strict=True):
            with started(each) as service:
                found.append(service.seconds_to_ready)
    return tuple(seconds[0]), tuple(seconds[1])


def share_of_loop(measured: WriteMeasurement) -> float:
    """Return the rate of bulk requests relative to the plain loop."""
    return median(measured.loop_seconds) / median(measured.bulk_seconds)


if __name__ == "__main__":
    main()
