"""`python -m benchmarks.http`: the service beside its rivals, under load over loopback.

All of them stay started, but only one at a time may run. The loads go round several times, so
that a machine whose speed changes is unfair to nobody.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks import services
from benchmarks.loads import LOADS, ROUNDS, Call, HttpMeasurement, Load, PlainRound, Round
from benchmarks.measurements import home_of_settings, keep
from benchmarks.plain import PlainLoop
from benchmarks.processes import Running
from benchmarks.services import RivalSettings, Service
from benchmarks.wrk import Request, WrkMissing, load, wrk_version
from embeddings.encoder import Encoder
from embeddings.release.reader import Release, current_release, open_release
from embeddings.settings import PathSettings
from embeddings.store.images import ImageTable

_IDS = 1000
_IMAGES = 64
_WARM_UP_SECONDS = 1
_PLAIN_SECONDS = 2.0
_SEED = 0

_ANSWERED: Mapping[str, tuple[Call, ...]] = {
    services.OURS: ("neighbors", "predict"),
    services.TUTORIAL: ("neighbors", "predict"),
    services.LITSERVE: ("predict",),
    services.BENTOML: ("predict",),
    services.FLOOR: ("neighbors",),
}
_PACED = (services.OURS, services.FLOOR)


@dataclass(frozen=True)
class Material:
    """What the requests hold: ids drawn at random, and stored photographs."""

    ids: tuple[str, ...]
    images: tuple[bytes, ...]

    def requests(self, call: Call) -> list[Request]:
        """The requests that are sent in turn."""
        if call == "neighbors":
            return [Request(f"/neighbors?id={quote(each)}") for each in self.ids]
        return [Request("/predict", body) for body in self.images]


def main() -> None:
    """Measure the release of BELVEDERE_HOME and keep the result."""
    home = home_of_settings()
    keep(measure(home), home)


def measure(home: Path) -> HttpMeasurement:
    """Start all services on a release and put the loads on them in turn."""
    try:
        versions = {"wrk": wrk_version()}
    except WrkMissing as error:
        return HttpMeasurement(left_out={"Every call over HTTP": str(error)})
    release = open_release(current_release(home / "releases"))
    material = drawn(home, release)
    rivals, left_out = RivalSettings(), {}
    if rivals.missing is None:
        versions |= {name: rivals.version(name) for name in ("litserve", "bentoml")}
    else:
        left_out = dict.fromkeys((services.LITSERVE, services.BENTOML), rivals.missing)
    with _all_started(home, release, rivals, material) as started:
        rounds, plain = _measured(started, material, _plain_loop(release, material))
    return HttpMeasurement(rounds=rounds, plain=plain, left_out=left_out, versions=versions)


def drawn(home: Path, release: Release) -> Material:
    """Ids and photographs of a release, the same each time."""
    chance = random.Random(_SEED)
    rows = range(len(release.images))
    ids = tuple(release.images[row].id for row in chance.choices(rows, k=_IDS))
    images = ImageTable.open(PathSettings(home=home).store_uri, release.manifest.store.images)
    some = chance.sample(rows, min(_IMAGES, len(rows)))
    return Material(ids, tuple(images.jpeg(row) for row in some))


@contextmanager
def _all_started(
    home: Path, release: Release, rivals: RivalSettings, material: Material
) -> Iterator[dict[str, Running]]:
    """Every service, tried with one photograph and halted."""
    started: dict[str, Running] = {}
    with ExitStack() as stack:

        def start(service: Service) -> Running:
            found = started[service.name] = stack.enter_context(service.started())
            return found

        size = _size_of_answer(start(services.ours(home)), material)
        start(services.floor(size))
        start(services.tutorial(home, release))
        if rivals.missing is None:
            start(services.litserve(rivals.rivals, release))
            start(services.bentoml(rivals.rivals, release))
        _check_labels(started, material)
        for each in started.values():
            each.halt()
        yield started


def _measured(
    started: Mapping[str, Running], material: Material, loop: PlainLoop
) -> tuple[tuple[Round, ...], tuple[PlainRound, ...]]:
    rounds, plain = [], []
    for service, each in started.items():
        for call in _ANSWERED[service]:
            _put(each, material, Load(call=call, clients=1, seconds=_WARM_UP_SECONDS), service)
    for _ in range(ROUNDS):
        for asked in LOADS:
            for service, each in started.items():
                if _takes(service, asked):
                    rounds.append(_put(each, material, asked, service))
        plain.append(
            PlainRound(
                milliseconds=loop.milliseconds(_PLAIN_SECONDS),
                per_second=loop.per_second(_PLAIN_SECONDS),
            )
        )
    return tuple(rounds), tuple(plain)


def _put(running: Running, material: Material, asked: Load, service: str) -> Round:
    running.go_on()
    try:
        answered = load(
            running.url,
            material.requests(asked.call),
            clients=asked.clients,
            seconds=asked.seconds,
            per_second=asked.per_second,
        )
        # What the last clients left behind must not take time from the next load.
        material.requests(asked.call)[0].answered(running.url)
    except RuntimeError as error:
        raise RuntimeError(f"{service} under {asked}: {error}") from error
    finally:
        running.halt()
    return Round(service=service, load=asked, answered=answered)


def _takes(service: str, asked: Load) -> bool:
    paced = asked.per_second is not None
    return asked.call in _ANSWERED[service] and (not paced or service in _PACED)


def _plain_loop(release: Release, material: Material) -> PlainLoop:
    encoder = Encoder(release.encoder, release.manifest.encoder.precision)
    return PlainLoop(encoder, material.images)


def _size_of_answer(running: Running, material: Material) -> int:
    return len(material.requests("neighbors")[0].answered(running.url).content)


def _check_labels(started: Mapping[str, Running], material: Material) -> None:
    """Whoever is fast must also be right."""
    request = material.requests("predict")[0]
    labels = {
        service: request.answered(each.url).json()["label"]
        for service, each in started.items()
        if "predict" in _ANSWERED[service]
    }
    if len(set(labels.values())) > 1:
        raise RuntimeError(f"The services do not agree on a photograph: {labels}.")


if __name__ == "__main__":
    main()
