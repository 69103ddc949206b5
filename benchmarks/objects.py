"""`python -m benchmarks.objects s3://bucket/prefix`: store and releases in object storage.

The store and the current release of BELVEDERE_HOME are copied there; the variables AWS_* name the
server. Folds are off, since each takes a core for seconds.
"""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from urllib.parse import quote
from uuid import uuid4

import httpx
import numpy as np

from benchmarks.measurements import Measurement, bench_home, save
from benchmarks.processes import Running
from benchmarks.services import Service, ours
from benchmarks.writes import REPLICA_POLL, Latency, latency, new_files
from embeddings.objects import Objects
from embeddings.release.reader import current_release, read_ids
from embeddings.release.sharing import SharedReleases
from embeddings.settings import PathSettings
from embeddings.store.store import Store

STARTS = 3
READS = 300
WRITES = 60

_POLL_SECONDS = 0.005


class ObjectsMeasurement(Measurement):
    """Replicas on object storage beside those of a local folder."""

    images: int
    local_start_seconds: tuple[float, ...]
    start_seconds: tuple[float, ...]
    """Start to ready with an empty folder: the release is fetched."""
    local_image: Latency
    image: Latency
    """`GET /images/{id}`."""
    write: Latency
    """`PUT /images/{id}`, acknowledged."""
    visible: Latency
    """From an acknowledgement until a replica answers with the image."""


def main() -> None:
    """Measure and save the result in BELVEDERE_HOME."""
    home = bench_home()
    uri = f"{sys.argv[1].rstrip('/')}/{uuid4().hex[:8]}"
    with TemporaryDirectory(prefix="objects-", dir=home) as folder:
        measured = measure(home, uri, Path(folder))
    save(measured, home)
    sys.stdout.write(measured.model_dump_json(indent=1) + "\n")


def measure(home: Path, uri: str, folder: Path) -> ObjectsMeasurement:
    """Measure with copies of store and release under a URI, and replicas in a folder."""
    release = current_release(home / "releases")
    _copy(home, uri)
    ids, files = read_ids(release), new_files(Store(str(home / "store")), WRITES + 1)
    local, remote = [], []
    for number in range(STARTS):
        with _started(home, {}) as service:
            local.append(service.seconds_to_ready)
            local_image = _read(service, ids)
        with _started(folder / str(number), _places(uri)) as replica:
            remote.append(replica.seconds_to_ready)
            image = _read(replica, ids)
    writable = {**_places(uri), "BELVEDERE_WRITABLE": "1"}
    with _started(folder / "writer", writable) as writer, _started(folder / "0", _places(uri)) as r:
        write, visible = _write(writer, r, files)
    return ObjectsMeasurement(
        images=len(ids),
        local_start_seconds=tuple(local),
        start_seconds=tuple(remote),
        local_image=local_image,
        image=image,
        write=write,
        visible=visible,
    )


def _copy(home: Path, uri: str) -> None:
    store, tables = home / "store", Objects.open(f"{uri}/store")
    for path in sorted(store.rglob("*")):
        if path.is_file():
            tables.upload(path.relative_to(store).as_posix(), path)
    shared = SharedReleases.of(PathSettings(home=home, releases=f"{uri}/releases"))
    assert shared is not None
    shared.share(current_release(shared.folder))


def _places(uri: str) -> dict[str, str]:
    return {"BELVEDERE_STORE": f"{uri}/store", "BELVEDERE_RELEASES": f"{uri}/releases"}


def _started(home: Path, settings: dict[str, str]) -> AbstractContextManager[Running]:
    service = ours(home)
    poll = {"BELVEDERE_FOLD_SHARE": "1", "BELVEDERE_POLL": str(REPLICA_POLL)}
    changed = {**service.settings, **poll, **settings}
    return Service(service.name, service.command, service.ready, changed).started()


def _client(service: Running) -> httpx.Client:
    return httpx.Client(base_url=service.url, timeout=60, trust_env=False)


def _read(service: Running, ids: Sequence[str]) -> Latency:
    chosen = np.random.default_rng(0).choice(ids, READS).tolist()
    seconds = []
    with _client(service) as client:
        for identifier in chosen:
            start = perf_counter()
            client.get(f"/images/{quote(identifier)}").raise_for_status()
            seconds.append(perf_counter() - start)
    return latency(seconds)


def _write(writer: Running, replica: Running, files: Sequence[bytes]) -> tuple[Latency, Latency]:
    """Write at random times; the first write waits for the start of the writer."""
    rng = np.random.default_rng(1)
    acknowledged, visible = [], []
    with _client(writer) as client, _client(replica) as reader:
        for number, file in enumerate(files):
            sleep(float(rng.uniform(0, REPLICA_POLL)))
            path = f"/images/new/{number}"
            start = perf_counter()
            client.put(path, content=file, params={"label": "lake"}).raise_for_status()
            acknowledged.append(perf_counter() - start)
            start = perf_counter()
            while reader.get(path).is_error:
                sleep(_POLL_SECONDS)
            visible.append(perf_counter() - start)
    return latency(acknowledged[1:]), latency(visible[1:])


if __name__ == "__main__":
    main()
