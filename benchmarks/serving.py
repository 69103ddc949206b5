"""`python -m benchmarks.serving`: what the service costs, and whether its answers are exact."""

from pathlib import Path
from statistics import median

import numpy as np
from sklearn.neighbors import NearestNeighbors

from benchmarks import services
from benchmarks.http import drawn
from benchmarks.loads import PREDICT
from benchmarks.measurements import Figures, Measurement, home_of_settings, keep
from benchmarks.processes import Running
from benchmarks.wrk import WrkMissing, load
from embeddings.index.flat import FlatIndex
from embeddings.release.reader import Release, current_release, open_release

_STARTS = 5
_LOAD_SECONDS = 15


class MemoryUnderLoad(Figures):
    """Resident memory in 10^6 bytes while 16 clients send photographs."""

    most: float
    after: float
    """When all is answered."""


class ServingMeasurement(Measurement):
    """Starts, memory, exactness."""

    seconds_to_ready: tuple[float, ...]
    """From starting the process to the first 200 of `/readyz`, for each start."""
    megabytes: float
    """Resident memory after that, in 10^6 bytes."""
    under_load: MemoryUnderLoad | None
    """None where there is no `wrk`."""
    tensorflow_loaded: bool
    exact_neighbors: float
    """Share of photographs, 0-1, whose three nearest are those that scikit-learn finds."""


def main() -> None:
    """Measure the release of BELVEDERE_HOME and keep the result."""
    home = home_of_settings()
    keep(measure(home), home)


def measure(home: Path) -> ServingMeasurement:
    """Start the service several times on a release and look at its process."""
    release = open_release(current_release(home / "releases"))
    seconds, memory = [], []
    for _ in range(_STARTS):
        with services.ours(home).started() as service:
            seconds.append(service.seconds_to_ready)
            memory.append(service.megabytes)
    with services.ours(home).started() as service:
        under_load = _under_load(service, home, release)
        # The package itself; OpenVINO has a library of its own with that word in its name.
        loaded = service.has_loaded("/site-packages/tensorflow/")
    return ServingMeasurement(
        seconds_to_ready=tuple(seconds),
        megabytes=median(memory),
        under_load=under_load,
        tensorflow_loaded=loaded,
        exact_neighbors=share_of_exact_neighbors(release),
    )


def share_of_exact_neighbors(release: Release, k: int = 3) -> float:
    """Share of photographs, 0-1, whose k nearest are those that scikit-learn finds.

    Where the sets differ, equal distances in double precision count as agreement (ties).
    """
    embeddings = release.embeddings
    index = FlatIndex([image.id for image in release.images], embeddings)
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


def _under_load(service: Running, home: Path, release: Release) -> MemoryUnderLoad | None:
    requests = drawn(home, release).requests(PREDICT.call)
    service.forget_most()
    try:
        load(service.url, requests, clients=PREDICT.clients, seconds=_LOAD_SECONDS)
    except WrkMissing:
        return None
    return MemoryUnderLoad(most=service.most_megabytes, after=service.megabytes)


if __name__ == "__main__":
    main()
