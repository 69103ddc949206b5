"""The whole stack in a project of its own, on a few generated scenes."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api_tests.chaos.running import wait_until
from api_tests.compose.engine import Engine, call

PROJECT = "belvedere-test"
SCENES = 20


@dataclass(frozen=True)
class Container:
    """One container of the stack."""

    engine: Engine
    id: str

    @property
    def facts(self) -> dict[str, Any]:
        """What the engine says of it."""
        found: dict[str, Any] = json.loads(self.engine.docker("inspect", self.id))[0]
        return found

    @property
    def pid(self) -> int:
        """Number of its process, as the engine's machine counts."""
        return int(self.facts["State"]["Pid"])

    @property
    def healthy(self) -> bool:
        return bool(self.facts["State"].get("Health", {}).get("Status") == "healthy")

    @property
    def log(self) -> str:
        """What its process printed, on both outputs."""
        written = call(("docker", "logs", self.id))
        return written.stdout + written.stderr

    def python(self, program: str) -> str:
        """What a program prints that runs in it."""
        return self.engine.docker("exec", self.id, "python", "-c", program)

    def die(self) -> None:
        """Send SIGKILL from outside, as when memory runs out: an end that nobody asked for.

        `docker kill` would count as asked for, and then nothing starts it again.
        """
        kill = f"import os; os.kill({self.pid}, 9)"
        image = self.facts["Image"]
        alone = ("--rm", "--pid=host", "--user=root", "--network=none", "--entrypoint=python")
        self.engine.docker("run", *alone, image, "-c", kill)


@dataclass(frozen=True)
class Stack:
    """A project of Compose, on ports that were free."""

    engine: Engine
    report: Path
    port: int
    proxy_port: int
    prometheus_port: int

    @property
    def home(self) -> str:
        """Name of the volume that holds store, runs and releases."""
        return f"{PROJECT}_home"

    def compose(self, *arguments: str, **settings: str) -> str:
        """Call Compose with these settings beside those of the stack."""
        given = {
            "BELVEDERE_TAG": "test",
            "BELVEDERE_REVISION": "tested",
            "BELVEDERE_DATA": "scenes",
            "BELVEDERE_SCENES": str(SCENES),
            "BELVEDERE_PORT": str(self.port),
            "BELVEDERE_PROXY_PORT": str(self.proxy_port),
            "BELVEDERE_PROMETHEUS_PORT": str(self.prometheus_port),
            "BELVEDERE_REPORT": str(self.report),
            **settings,
        }
        command = (*self.engine.compose, "--project-name", PROJECT, *arguments)
        return call(command, os.environ | given).stdout

    def containers(self, service: str) -> list[Container]:
        """The containers of a service, whether they run or not."""
        label = f"label=com.docker.compose.service={service}"
        project = f"label=com.docker.compose.project={PROJECT}"
        found = self.engine.docker(
            "ps", "-aq", "--no-trunc", "--filter", label, "--filter", project
        )
        return [Container(self.engine, each) for each in found.split()]

    def container(self, service: str) -> Container:
        """The only container of a service."""
        (found,) = self.containers(service)
        return found

    def wait_until_healthy(self, service: str = "service") -> None:
        wait_until(lambda: all(each.healthy for each in self.containers(service)))

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A client on the host."""
        with client_of(self.port) as client:
            yield client


@contextmanager
def client_of(port: int) -> Iterator[httpx.Client]:
    """A client of what listens on this port of the host."""
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
