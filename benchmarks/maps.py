"""`python -m benchmarks.maps`: latency of calls to `/tsne`, one at a time."""

from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import services
from benchmarks.http import draw_material
from benchmarks.measurements import Measurement, bench_home, save
from benchmarks.wrk import Request
from embeddings.release.reader import current_release, open_release

_STORED = 50
_FITTED = 3
_TIMEOUT_SECONDS = 60.0


class MapMeasurement(Measurement):
    """Times of complete calls on a service that has just started."""

    stored_milliseconds: float
    """Median of `GET /tsne?n=500`."""
    fitted_seconds: float
    """Median of the same call with seeds that require a new fit."""
    first_placed_milliseconds: float
    """Time of the first upload, which includes compiling the encoder for one image."""
    placed_milliseconds: float
    """Median of the other uploads."""


def main() -> None:
    """Measure the release of BELVEDERE_HOME and save the result."""
    home = bench_home()
    save(measure(home), home)


def measure(home: Path) -> MapMeasurement:
    """Start the service on a release and time requests for maps."""
    release = open_release(current_release(home / "releases"))
    images = [Request("/tsne", each) for each in draw_material(home, release).images]
    other = release.manifest.map_seed + 1
    with services.ours(home).started() as service:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=_TIMEOUT_SECONDS)
        first, *placed = (_seconds(connection, each) for each in images)
        stored = [_seconds(connection, Request("/tsne?n=500")) for _ in range(_STORED)]
        fitted = [
            _seconds(connection, Request(f"/tsne?n=500&seed={seed}"))
            for seed in range(other, other + _FITTED)
        ]
        connection.close()
    return MapMeasurement(
        stored_milliseconds=median(stored) * 1e3,
        fitted_seconds=median(fitted),
        first_placed_milliseconds=first * 1e3,
        placed_milliseconds=median(placed) * 1e3,
    )


def _seconds(connection: HTTPConnection, request: Request) -> float:
    start = perf_counter()
    if request.body is None:
        connection.request("GET", request.path)
    else:
        connection.request("POST", request.path, request.body, {"Content-Type": "image/jpeg"})
    answer = connection.getresponse()
    answer.read()
    seconds = perf_counter() - start
    if answer.status != 200:
        raise RuntimeError(f"{request.path} returned HTTP {answer.status}.")
    return seconds


if __name__ == "__main__":
    main()
