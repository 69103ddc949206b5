"""`python -m benchmarks.serving`: start time, memory and exactness of the service."""

from pathlib import Path
from statistics import median

import numpy as np
from sklearn.neighbors import NearestNeighbors

from benchmarks import services
from benchmarks.http import draw_material
from benchmarks.loads import PREDICT
from benchmarks.measurements import Figures, Measurement, bench_home, save
from benchmarks.processes import Running
from benchmarks.wrk import WrkMissing, load
from embeddings.index.flat import FlatIndex
from embeddings.release.reader import Release, current_release, open_release

_STARTS = 5
_LOAD_SECONDS = 15


class MemoryUnderLoad(Figures):
    """Resident memory in 10^6 bytes under a load of 16 clients that upload images."""

    peak: float
    after: float
    """Memory after the last response."""


class ServingMeasurement(Measurement):
    """Start times, memory and exactness."""

    seconds_to_ready: tuple[float, ...]
    """Seconds from the start of the process to the first 200 of `/readyz`, for each start."""
    megabytes: float
    """Resident memory once ready, in 10^6 bytes."""
    under_load: MemoryUnderLoad | None
    """None if `wrk` is missing."""
    tensorflow_loaded: bool
    exact_neighbors: float
    """Share (0-1) of images with the same three nearest neighbours as in scikit-learn."""


def main() -> None:
    """Measure the release of BELVEDERE_HOME and save the result."""
    home = bench_home()
    save(measure(home), home)


def measure(home: Path) -> ServingMeasurement:
    """Start the service on a release several times and measure its process."""
    release = open_release(current_release(home / "releases"))
    seconds, memory = [], []
    for _ in range(_STARTS):
        with services.ours(home).started() as service:
            seconds.append(service.seconds_to_ready)
            memory.append(service.megabytes)
    with services.ours(home).started() as service:
        under_load = _under_load(service, home, release)
        # The full path: OpenVINO has a library with this word in its name.
        loaded = service.has_loaded("/site-packages/tensorflow/")
    return ServingMeasurement(
        seconds_to_ready=tuple(seconds),
        megabytes=median(memory),
        under_load=under_load,
        tensorflow_loaded=loaded,
        exact_neighbors=share_of_exact_neighbors(release),
    )


def share_of_exact_neighbors(release: Release, k: int = 3) -> float:
    """Return the share (0-1) of images with the same k nearest neighbours as in scikit-learn.

    Neighbours at equal distances in double precision (ties) count as the same.
    """
    embeddings = release.embeddings
    index = FlatIndex(embeddings)
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
    requests = draw_material(home, release).requests(PREDICT.call)
    service.reset_peak()
    try:
        load(service.url, requests, clients=PREDICT.clients, seconds=_LOAD_SECONDS)
    except WrkMissing:
        return None
    return MemoryUnderLoad(peak=service.peak_megabytes, after=service.megabytes)


if __name__ == "__main__":
    main()
