"""The service in its own process, and clients that send requests continuously."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from api_tests.calls import Call, getting, posting
from benchmarks.connections import SHORT_KEEP_ALIVE
from benchmarks.processes import peak_resident_bytes, resident_bytes
from service.local_server import reserve_port, running_server

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0


@dataclass(frozen=True)
class Running:
    """Service process that is ready."""

    process: subprocess.Popen[bytes]
    port: int

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        with client_of(self.port) as client:
            yield client

    def resident_bytes(self) -> int:
        return resident_bytes(self.process.pid)

    def peak_resident_bytes(self) -> int:
        return peak_resident_bytes(self.process.pid)


@contextmanager
def running(home: Path, **settings: object) -> Iterator[Running]:
    """Start the service with these settings; it is killed when the block ends."""
    port = reserve_port()
    given = {"home": home, "port": port, "poll": 0.05} | settings
    environment = {f"BELVEDERE_{name.upper()}": str(value) for name, value in given.items()}
    command = [sys.executable, "-m", "belvedere", "serve"]
    with (
        client_of(port) as client,
        running_server(
            command, lambda: ready(client), environment=environment, folder=ROOT
        ) as process,
    ):
        try:
            yield Running(process, port)
        finally:
            process.kill()


def wait_until(happened: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Wait until a condition is true. Raises `AssertionError` after these seconds."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "The condition was not met in time."
        time.sleep(0.02)


@contextmanager
def client_of(port: int) -> Iterator[httpx.Client]:
    """Yield a client of the server on this port of the loopback interface."""
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        timeout=DEADLINE,
        limits=SHORT_KEEP_ALIVE,
        trust_env=False,
    ) as client:
        yield client


def ready(client: httpx.Client) -> bool:
    """Return True if the service is reachable and ready."""
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Responses:
    """Responses and transport errors of continuous requests."""

    answers: list[tuple[int, httpx.Response]] = field(default_factory=list)
    """Index of the call, and its response."""
    errors: list[str] = field(default_factory=list)


@contextmanager
def continuous_requests(
    service: Running, calls: list[Call], clients: int, pause: float = 0.0
) -> Iterator[Responses]:
    """Send these calls in turn from several threads until the block ends; `pause` is in seconds."""
    sent, done = Responses(), threading.Event()

    def send() -> None:
        with service.client() as client:
            while not done.is_set():
                for number, call in enumerate(calls):
                    try:
                        sent.answers.append((number, call(client)))
                    except httpx.TransportError as error:
                        sent.errors.append(repr(error))
                    time.sleep(pause)

    threads = [threading.Thread(target=send) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        done.set()
        for thread in threads:
            thread.join()


def valid_calls(service: Running, images: int = 4) -> list[Call]:
    """Return valid requests for a few images."""
    calls = [getting("/tsne", n=50)]
    with service.client() as client:
        for record in client.get("/images", params={"limit": images}).json()["images"]:
            identifier = record["id"]
            jpeg = client.get(f"/images/{identifier}").content
            calls += [
                posting("/predict", content=jpeg),
                posting("/neighbors", content=jpeg),
                getting("/neighbors", id=identifier),
                getting("/neighbors", id=identifier, k=7),
            ]
    return calls
