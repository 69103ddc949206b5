"""Store and releases in a real object store: replicas, kills, concurrent publishers, outages."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import pytest
from PIL import Image

from benchmarks.connections import SHORT_KEEP_ALIVE
from embeddings.lock import Locked, store_lock, write_lock
from embeddings.objects import Objects, WrittenMeanwhile
from embeddings.release.publish import publish
from embeddings.release.reader import ReleaseError, current_release, read_manifest
from embeddings.release.sharing import SharedReleases
from embeddings.settings import PathSettings
from embeddings.store.store import Store
from service.local_server import LOCAL, reserve_port
from tests.scale.servers import ObjectStore
from tests.tiny_release import candidate, draw, explain_evenly, fill_store

WRITES = 20
_START_SECONDS = 300.0


@dataclass(frozen=True)
class Place:
    """Store and releases in one bucket."""

    uri: str

    def settings(self, home: Path) -> PathSettings:
        return PathSettings(home=home, store=f"{self.uri}/store", releases=f"{self.uri}/releases")

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        return {
            "BELVEDERE_HOME": str(home),
            "BELVEDERE_STORE": f"{self.uri}/store",
            "BELVEDERE_RELEASES": f"{self.uri}/releases",
            "BELVEDERE_HOST": LOCAL,
            "BELVEDERE_POLL": "0.5",
            **more,
        }


@dataclass(frozen=True)
class Running:
    """Service in a process of its own."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path

    def wait_until(self, condition: Callable[[httpx.Client], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with suppress(httpx.TransportError):
                if condition(self.client):
                    return
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)


@contextmanager
def serving(place: Place, home: Path, **more: str) -> Iterator[Running]:
    home.mkdir(parents=True, exist_ok=True)
    port, log = reserve_port(), home / "service.log"
    variables = place.environment(home, BELVEDERE_PORT=str(port), **more)
    with (
        log.open("wb") as output,
        httpx.Client(
            base_url=f"http://{LOCAL}:{port}", timeout=30, limits=SHORT_KEEP_ALIVE
        ) as client,
    ):
        process = subprocess.Popen(
            [sys.executable, "-m", "belvedere", "serve"],
            env=os.environ | variables,
            stdout=output,
            stderr=output,
        )
        try:
            yield Running(process, client, log)
        finally:
            process.terminate()
            process.wait()


def is_ready(client: httpx.Client) -> bool:
    return client.get("/readyz").status_code == 200


def noise(number: int) -> bytes:
    """Return a JPEG file of its own content."""
    pixels = np.random.default_rng(number).integers(0, 256, (120, 160, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def put(client: httpx.Client, number: int) -> httpx.Response:
    return client.put(f"/images/noise-{number}?label=lake", content=noise(number))


def publish_in(place: Place, home: Path, seed: int) -> Path:
    """Publish as a machine of its own."""
    settings, shared = place.settings(home), SharedReleases.of(place.settings(home))
    assert shared is not None
    with write_lock(home, settings.store_uri, "a publisher"):
        store = Store(settings.store_uri)
        if not store.exists:
            fill_store(store, draw())
        shared.pull()
        with TemporaryDirectory() as folder:
            model = replace(candidate(draw(), Path(folder)), explain=explain_evenly)
            return publish(model, store, shared.folder, map_seed=seed, share=shared.share)


@pytest.fixture(scope="module")
def place(objects: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Yield a bucket with a published release."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in objects.environment.items():
            patch.setenv(name, value)
        found = Place(objects.make_bucket("replicas"))
        publish_in(found, tmp_path_factory.mktemp("publisher"), 0)
        yield found


@pytest.fixture(scope="module")
def services(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Running, Running]]:
    """Yield two replicas and a writing service, each with a folder of its own."""
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp(name) for name in ("first", "second", "writer")]
        first, second = (stack.enter_context(serving(place, each)) for each in folders[:2])
        writer = stack.enter_context(serving(place, folders[2], BELVEDERE_WRITABLE="1"))
        for each in (first, second, writer):
            each.wait_until(is_ready)
        yield first, second, writer


def _has_image(number: int, client: httpx.Client) -> bool:
    return client.get(f"/images/noise-{number}").is_success


def test_each_write_is_seen_by_two_replicas_without_a_shared_volume(
    services: tuple[Running, Running, Running], record_property: Callable[[str, object], None]
) -> None:
    first, second, writer = services
    acknowledged, visible = [], []
    for number in range(WRITES):
        begun = time.monotonic()
        answer = put(writer.client, number)
        assert answer.status_code == 201, answer.text
        acknowledged.append(time.monotonic() - begun)
        begun = time.monotonic()
        for replica in (first, second):
            replica.wait_until(partial(_has_image, number))
        visible.append(time.monotonic() - begun)
    record_property("acknowledged p95", float(np.percentile(acknowledged, 95)))
    record_property("visible p95", float(np.percentile(visible, 95)))
    revision = answer.json()["revision"]
    for client in (first.client, second.client):
        found = client.get("/images/noise-0", params={"min_revision": revision})
        assert found.content == writer.client.get("/images/noise-0").content


def test_a_new_release_is_fetched_by_all_replicas(
    place: Place, services: tuple[Running, Running, Running], tmp_path: Path
) -> None:
    *replicas, writer = services
    writer.process.send_signal(signal.SIGTERM)
    writer.process.wait()
    released = read_manifest(publish_in(place, tmp_path, 1)).fingerprint
    for replica in replicas:
        replica.wait_until(lambda client: client.get("/readyz").json()["release"] == released)


def test_replicas_serve_on_while_the_object_store_is_away(
    objects: ObjectStore, services: tuple[Running, Running, Running]
) -> None:
    replica = services[0]
    before = replica.client.get("/readyz").json()
    objects.kill()
    try:
        replica.wait_until(lambda client: "not accessible" in str(client.get("/readyz").json()))
        during = replica.client.get("/readyz")
        assert during.status_code == 200
        assert during.json()["release"] == before["release"]
        assert replica.client.get("/neighbors?id=city/city_0000").is_success
    finally:
        objects.start()
    replica.wait_until(lambda client: client.get("/readyz").json()["refused"] is None)
    assert replica.client.get("/images/noise-0").is_success


def test_credentials_are_in_no_log_answer_or_setting(
    objects: ObjectStore, place: Place, services: tuple[Running, Running, Running]
) -> None:
    texts = [each.log.read_text() for each in services]
    texts += [services[0].client.get(path).text for path in ("/readyz", "/metrics")]
    home = services[0].log.parent
    for secret in ({}, {"AWS_SECRET_ACCESS_KEY": "wrong-but-still-secret"}):
        for command in ("config", "versions"):
            result = subprocess.run(
                [sys.executable, "-m", "belvedere", command],
                env=os.environ | place.environment(home) | secret,
                capture_output=True,
                text=True,
            )
            texts.append(result.stdout + result.stderr)
    keys = [objects.environment[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")]
    for text in texts:
        assert not any(key in text for key in (*keys, "wrong-but-still-secret")), text


def test_a_killed_writer_loses_and_doubles_nothing(
    objects: ObjectStore, place: Place, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    numbers = count(2000)

    def write(client: httpx.Client, killed: Callable[[], bool]) -> None:
        with suppress(httpx.TransportError):
            while not killed():
                number = next(numbers)
                if put(client, number).status_code == 201:
                    acknowledged.append(f"noise-{number}")

    with serving(place, tmp_path / "killed", BELVEDERE_WRITABLE="1") as writer:
        writer.wait_until(is_ready)
        with ThreadPoolExecutor(4) as pool:
            gone = [
                pool.submit(write, writer.client, lambda: writer.process.poll() is not None)
                for _ in range(4)
            ]
            while len(acknowledged) < 20:
                time.sleep(0.01)
            second = store_lock(f"{place.uri}/store", "a second writer")
            with pytest.raises(Locked, match="locked by `belvedere serve`"):
                second.__enter__()
            writer.process.kill()
            for each in gone:
                each.result()
    begun = time.monotonic()
    with store_lock(f"{place.uri}/store", "the next writer"):
        # The lease of the killed writer lives on for a while.
        assert time.monotonic() - begun > 10
        store = Store(f"{place.uri}/store")
        ids = store.at().all.ids
        assert set(acknowledged) <= set(ids)
        assert len(ids) == len(set(ids))
        assert not [each for check in store.verify() for each in check.problems]


def test_one_of_two_concurrent_publishers_wins(place: Place, tmp_path: Path) -> None:
    publish_in(place, tmp_path / "third", 2)
    shared = [SharedReleases.of(place.settings(tmp_path / name)) for name in ("a", "b")]
    both = [each for each in shared if each is not None]
    for each in both:
        each.pull_all()
    names = both[0].names()
    assert len(names) > 1

    def share(number: int) -> bool:
        try:
            both[number].share(both[number].folder / names[number])
        except ReleaseError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(share, range(2)))
    assert sorted(won) == [False, True]
    both[won.index(False)].pull()
    assert current_release(both[won.index(False)].folder).name == names[won.index(True)]


def test_one_of_many_conditional_writes_wins(bucket: str) -> None:
    objects = Objects.open(f"{bucket}/race")
    objects.check_conditional_writes()
    tag = objects.create("x", b"0")

    def replace(number: int) -> bool:
        with suppress(WrittenMeanwhile):
            return bool(objects.replace("x", str(number).encode(), tag))
        return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(replace, range(1, 7))) == 1
