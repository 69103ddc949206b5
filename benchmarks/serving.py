"""What the service costs at rest, and whether its answers are exact."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import httpx
import numpy as np
from sklearn.neighbors import NearestNeighbors

from embeddings.index import FlatIndex
from embeddings.release import Release

_STARTS = 5
_DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class AtRest:
    """The service when nobody asks anything."""

    seconds_to_ready: tuple[float, ...]
    """From starting the process to the first 200 of `/readyz`, for each start."""
    megabytes: float
    """Resident memory after that, in 10^6 bytes."""
    tensorflow_loaded: bool


def measure_service(home: Path) -> AtRest:
    """Start the service several times on a release and look at its process."""
    seconds: list[float] = []
    memory: list[float] = []
    loaded = False
    for _ in range(_STARTS):
        with _started(home) as (process, elapsed):
            seconds.append(elapsed)
            memory.append(_resident_megabytes(process.pid))
            maps = Path(f"/proc/{process.pid}/maps").read_text()
            # The package itself; OpenVINO has a library of its own with that word in its name.
            loaded = loaded or "/site-packages/tensorflow/" in maps
    return AtRest(tuple(seconds), median(memory), loaded)


def share_of_exact_neighbors(release: Release, k: int = 3) -> float:
    """Share of photographs, 0-1, whose k nearest are those that scikit-learn finds.

    Where the sets differ, equal distances in double precision count as agreement (ties).
    """
    embeddings = release.embeddings
    index = FlatIndex([photograph.id for photograph in release.photographs], embeddings)
    exact = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(embeddings.astype(float))
    distances, rows = exact.kneighbors(embeddings.astype(float))
    agreeing = 0
    for row in range(len(embeddings)):
        expected = [
            distance
            for distance, other in zip(distances[row], rows[row], strict=True)
            if other != row
        ]
        found = index.search(embeddings[row], k, exclude=row)
        agreeing += bool(np.allclose(found.distances, expected[:k], rtol=1e-9, atol=1e-6))
    return agreeing / len(embeddings)


@contextmanager
def _started(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    port = _free_port()
    settings = {"BELVEDERE_HOME": str(home), "BELVEDERE_PORT": str(port)}
    start = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "belvedere", "serve"],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _ready(port):
            if perf_counter() - start > _DEADLINE_SECONDS or process.poll() is not None:
                raise RuntimeError("The service did not become ready; start it by hand to see why.")
            sleep(0.005)
        yield process, perf_counter() - start
    finally:
        process.terminate()
        process.wait()


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _resident_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("This system does not tell a process's memory; run it on Linux.")
