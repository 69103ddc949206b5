"""`python -m benchmarks.http`: the service and other services under load over loopback.

All services are started once, and all but the one under load are suspended. The loads are repeated
in several rounds, so that changes in the speed of the machine affect all services alike.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks import services
from benchmarks.baseline_loop import BaselineLoop
from benchmarks.loads import LOADS, ROUNDS, BaselineRound, Call, HttpMeasurement, Load, Round
from benchmarks.measurements import bench_home, save
from benchmarks.processes import Running
from benchmarks.services import RivalSettings, Service
from benchmarks.wrk import Request, WrkMissing, load, wrk_version
from embeddings.encoder import Encoder
from embeddings.release.reader import Release, current_release, open_release
from embeddings.settings import PathSettings
from embeddings.store.store import Store

_IDS = 1000
_IMAGES = 64
_WARM_UP_SECONDS = 1
_BASELINE_SECONDS = 2.0
_SEED = 0

_ANSWERED: Mapping[str, tuple[Call, ...]] = {
    services.OURS: ("neighbors", "predict"),
    services.TUTORIAL: ("neighbors", "predict"),
    services.LITSERVE: ("predict",),
    services.BENTOML: ("predict",),
    services.BARE: ("neighbors",),
}
_PACED = (services.OURS, services.BARE)


@dataclass(frozen=True)
class Material:
    """Content of the requests: random ids, and JPEG files of stored images."""

    ids: tuple[str, ...]
    images: tuple[bytes, ...]

    def requests(self, call: Call) -> list[Request]:
        """Return the requests of a call, which are sent in turn."""
        if call == "neighbors":
            return [Request(f"/neighbors?id={quote(each)}") for each in self.ids]
        return [Request("/predict", body) for body in self.images]


def main() -> None:
    """Measure the release of BELVEDERE_HOME and save the result."""
    home = bench_home()
    save(measure(home), home)


def measure(home: Path) -> HttpMeasurement:
    """Start all services on a release and run the loads on each in turn."""
    try:
        versions = {"wrk": wrk_version()}
    except WrkMissing as error:
        return HttpMeasurement(left_out={"Every call over HTTP": str(error)})
    release = open_release(current_release(home / "releases"))
    material = draw_material(home, release)
    rivals, left_out = RivalSettings(), {}
    if rivals.missing is None:
        versions |= {name: rivals.version(name) for name in ("litserve", "bentoml")}
    else:
        left_out = dict.fromkeys((services.LITSERVE, services.BENTOML), rivals.missing)
    with _start_all(home, release, rivals, material) as started:
        rounds, baseline = _measured(started, material, _baseline_loop(release, material))
    return HttpMeasurement(rounds=rounds, baseline=baseline, left_out=left_out, versions=versions)


def draw_material(home: Path, release: Release) -> Material:
    """Return random ids and images of a release; the seed is fixed."""
    chance = random.Random(_SEED)
    rows = range(len(release.images))
    ids = tuple(release.images.ids[row] for row in chance.choices(rows, k=_IDS))
    snapshot = Store(PathSettings(home=home).store_uri).at(release.manifest.data.revision)
    some = chance.sample(rows, min(_IMAGES, len(rows)))
    return Material(ids, tuple(snapshot.jpegs([release.images.digests[row] for row in some])))


@contextmanager
def _start_all(
    home: Path, release: Release, rivals: RivalSettings, material: Material
) -> Iterator[dict[str, Running]]:
    """Start every service, check its predictions on one image and suspend it."""
    started: dict[str, Running] = {}
    with ExitStack() as stack:

        def start(service: Service) -> Running:
            found = started[service.name] = stack.enter_context(service.started())
            return found

        size = _size_of_answer(start(services.ours(home)), material)
        start(services.bare_asgi(size))
        start(services.tutorial(home, release))
        if rivals.missing is None:
            start(services.litserve(rivals.rivals, release))
            start(services.bentoml(rivals.rivals, release))
        _check_labels(started, material)
        for each in started.values():
            each.suspend()
        yield started


def _measured(
    started: Mapping[str, Running], material: Material, loop: BaselineLoop
) -> tuple[tuple[Round, ...], tuple[BaselineRound, ...]]:
    rounds, baseline = [], []
    for service, each in started.items():
        for call in _ANSWERED[service]:
            _run_load(each, material, Load(call=call, clients=1, seconds=_WARM_UP_SECONDS), service)
    for _ in range(ROUNDS):
        for asked in LOADS:
            for service, each in started.items():
                if _is_measured(service, asked):
                    rounds.append(_run_load(each, material, asked, service))
        baseline.append(
            BaselineRound(
                milliseconds=loop.milliseconds(_BASELINE_SECONDS),
                per_second=loop.per_second(_BASELINE_SECONDS),
            )
        )
    return tuple(rounds), tuple(baseline)


def _run_load(running: Running, material: Material, asked: Load, service: str) -> Round:
    running.resume()
    try:
        answered = load(
            running.url,
            material.requests(asked.call),
            clients=asked.clients,
            seconds=asked.seconds,
            per_second=asked.per_second,
        )
        # Work left by the last clients must not overlap with the next load.
        material.requests(asked.call)[0].answered(running.url)
    except RuntimeError as error:
        raise RuntimeError(f"{service} under {asked}: {error}") from error
    finally:
        running.suspend()
    return Round(service=service, load=asked, answered=answered)


def _is_measured(service: str, asked: Load) -> bool:
    paced = asked.per_second is not None
    return asked.call in _ANSWERED[service] and (not paced or service in _PACED)


def _baseline_loop(release: Release, material: Material) -> BaselineLoop:
    encoder = Encoder(release.encoder, release.manifest.encoder.precision)
    return BaselineLoop(encoder, material.images)


def _size_of_answer(running: Running, material: Material) -> int:
    return len(material.requests("neighbors")[0].answered(running.url).content)


def _check_labels(started: Mapping[str, Running], material: Material) -> None:
    """Raise RuntimeError if the services predict different labels."""
    request = material.requests("predict")[0]
    labels = {
        service: request.answered(each.url).json()["label"]
        for service, each in started.items()
        if "predict" in _ANSWERED[service]
    }
    if len(set(labels.values())) > 1:
        raise RuntimeError(f"The services predict different labels for one image: {labels}.")


if __name__ == "__main__":
    main()
