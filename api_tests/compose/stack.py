"""Complete stack in its own Compose project, on a few generated scenes."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api_tests.chaos.running import client_of, wait_until
from api_tests.compose.engine import Engine, call

_PROCESS = """
status = dict(line.split(":", 1) for line in open("/proc/1/status"))
print(*(status[name].split()[0] for name in ("Uid", "CapEff", "NoNewPrivs")))
"""


@dataclass(frozen=True)
class Container:
    """One container of the stack."""

    engine: Engine
    id: str

    @property
    def facts(self) -> dict[str, Any]:
        """Output of `docker inspect`."""
        found: dict[str, Any] = json.loads(self.engine.docker("inspect", self.id))[0]
        return found

    @property
    def pid(self) -> int:
        """Process id on the machine of the engine."""
        return int(self.state["Pid"])

    @property
    def state(self) -> dict[str, Any]:
        """State of the container: running, start time, exit status, health."""
        found: dict[str, Any] = self.facts["State"]
        return found

    @property
    def healthy(self) -> bool:
        return bool(self.state.get("Health", {}).get("Status") == "healthy")

    @property
    def log(self) -> str:
        """Standard output and standard error of its process."""
        written = call(("docker", "logs", self.id))
        return written.stdout + written.stderr

    @property
    def process(self) -> list[str]:
        """User, effective capabilities and `NoNewPrivs` of its process."""
        return self.python(_PROCESS).split()

    def python(self, program: str) -> str:
        """Run a program in the container and return its output."""
        return self.engine.docker("exec", self.id, "python", "-c", program)

    def stop(self) -> None:
        """Stop the container and wait for its end."""
        self.engine.docker("stop", self.id)

    def die(self) -> None:
        """Send SIGKILL to its process from outside, as the kernel does without free memory.

        After `docker kill` the engine would not restart the container.
        """
        kill = f"import os; os.kill({self.pid}, 9)"
        image = self.facts["Image"]
        alone = ("--rm", "--pid=host", "--user=root", "--network=none", "--entrypoint=python")
        self.engine.docker("run", *alone, image, "-c", kill)


@dataclass(frozen=True)
class Stack:
    """Compose project that is independent of the environment of the tests."""

    engine: Engine
    folder: Path
    project: str
    settings: dict[str, str]

    @property
    def home(self) -> str:
        """Name of the volume that holds store, runs and releases."""
        return f"{self.project}_home"

    @property
    def report(self) -> Path:
        """Folder of the host to which the report is written."""
        return self.folder / "report"

    def compose(self, *arguments: str, **settings: str) -> str:
        """Run Compose with these settings and those of the stack; return its output."""
        outside = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BELVEDERE_", "COMPOSE_"))
        }
        given = {"BELVEDERE_REPORT": str(self.report)} | self.settings | settings
        file = self.folder / "empty.env"
        file.touch()
        named = ("--project-name", self.project, "--env-file", str(file))
        return call((*self.engine.compose, *named, *arguments), outside | given).stdout

    def port(self, name: str) -> int:
        """Return the port of the host that a setting contains."""
        return int(self.settings[name])

    def containers(self, service: str) -> list[Container]:
        """Return the containers of a service, running or not."""
        of_it = (f"project={self.project}", f"service={service}")
        filters = [f"--filter=label=com.docker.compose.{each}" for each in of_it]
        found = self.engine.docker("ps", "--all", "--quiet", "--no-trunc", *filters)
        return [Container(self.engine, each) for each in found.split()]

    def container(self, service: str) -> Container:
        """Return the only container of a service."""
        (found,) = self.containers(service)
        return found

    def wait_until_healthy(self) -> None:
        """Wait for every replica of the service."""
        wait_until(lambda: self._healths() == {True})

    def _healths(self) -> set[bool]:
        return {each.healthy for each in self.containers("service")}

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Yield a client on the host."""
        with client_of(self.port("BELVEDERE_PORT")) as client:
            yield client
