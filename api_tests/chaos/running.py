"""The service as a process of its own, and people who ask it all the while."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0

Call = Callable[[httpx.Client], httpx.Response]


@dataclass(frozen=True)
class Running:
    """A service that runs."""

    process: subprocess.Popen[bytes]
    port: int

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        with client_of(self.port) as client:
            yield client

    def resident_bytes(self) -> int:
        return self._bytes("VmRSS")

    def most_resident_bytes(self) -> int:
        return self._bytes("VmHWM")

    def _bytes(self, name: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        line = next(each for each in status.splitlines() if each.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024


@contextmanager
def running(home: Path, **settings: object) -> Iterator[Running]:
    """Start the service with these settings and stop it in the end."""
    port = free_port()
    given = {"home": home, "port": port, "poll": 0.05} | settings
    environment = {f"BELVEDERE_{name.upper()}": str(value) for name, value in given.items()}
    with subprocess.Popen(
        [sys.executable, "-m", "belvedere", "serve"],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        service = Running(process, port)
        try:
            with service.client() as client:
                wait_until(lambda: process.poll() is None and ready(client))
            yield service
        finally:
            process.kill()


def wait_until(happened: Callable[[], object]) -> None:
    """Wait until something is true."""
    until = time.monotonic() + DEADLINE
    while not happened():
        assert time.monotonic() < until, "It never happened."
        time.sleep(0.02)


@contextmanager
def client_of(port: int) -> Iterator[httpx.Client]:
    """A client of what listens on this port of the machine itself."""
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE, trust_env=False
    ) as client:
        yield client


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def ready(client: httpx.Client) -> bool:
    """Whether a service answers there that is ready."""
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Asked:
    """What people who asked all the while were answered."""

    answers: list[tuple[int, httpx.Response]] = field(default_factory=list)
    """Number of the call, and its answer."""
    errors: list[str] = field(default_factory=list)


@contextmanager
def asked_all_the_while(
    service: Running, calls: list[Call], people: int, pause: float = 0.0
) -> Iterator[Asked]:
    """Ask these calls in turn from several threads until the block ends; `pause` is in seconds."""
    asked, done = Asked(), threading.Event()

    def ask() -> None:
        with service.client() as client:
            while not done.is_set():
                for number, call in enumerate(calls):
                    try:
                        asked.answers.append((number, call(client)))
                    except httpx.TransportError as error:
                        asked.errors.append(repr(error))
                    time.sleep(pause)

    threads = [threading.Thread(target=ask) for _ in range(people)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        done.set()
        for thread in threads:
            thread.join()


def good_calls(service: Running, images: int = 4) -> list[Call]:
    """Requests of people who mean well, about a few photographs."""
    calls: list[Call] = [lambda client: client.get("/tsne", params={"n": 50})]
    with service.client() as client:
        for record in client.get("/images", params={"limit": images}).json()["images"]:
            identifier = record["id"]
            jpeg = client.get(f"/images/{identifier}").content
            calls += [
                lambda client, jpeg=jpeg: client.post("/predict", content=jpeg),
                lambda client, jpeg=jpeg: client.post("/neighbors", content=jpeg),
                lambda client, id=identifier: client.get("/neighbors", params={"id": id}),
                lambda client, id=identifier: client.get("/neighbors", params={"id": id, "k": 7}),
            ]
    return calls
