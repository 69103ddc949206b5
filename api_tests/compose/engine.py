"""The Docker engine of this machine, and the Compose that goes with it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Longer than any build: what hangs must not hang for ever.
_SECONDS = 3600


class NoEngine(RuntimeError):
    """There is no engine; the message says why."""


class CommandFailed(AssertionError):
    """A command of Docker failed; the message has its last lines."""


@dataclass(frozen=True)
class Engine:
    """How Docker and Compose are called here."""

    compose: tuple[str, ...]
    version: str

    def docker(self, *arguments: str) -> str:
        """Call Docker and return what it answers."""
        return call(("docker", *arguments)).stdout


def find_engine() -> Engine:
    """The engine that answers. Raises `NoEngine`."""
    if shutil.which("docker") is None:
        raise NoEngine("there is no command `docker`")
    try:
        version = call(("docker", "version", "--format", "{{.Server.Version}}")).stdout.strip()
    except CommandFailed as error:
        raise NoEngine(f"no Docker engine answers ({_last_line(str(error))})") from error
    for compose in (("docker", "compose"), ("docker-compose",)):
        try:
            call((*compose, "version"))
        except (CommandFailed, FileNotFoundError):
            continue
        return Engine(compose, version)
    raise NoEngine("neither `docker compose` nor `docker-compose` is there")


def call(
    command: tuple[str, ...], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder. Raises `CommandFailed`."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)} did not end.") from error
    if done.returncode != 0:
        last = "\n".join(f"{done.stdout}\n{done.stderr}".strip().splitlines()[-20:])
        raise CommandFailed(f"{' '.join(command)} ended with {done.returncode}:\n{last}")
    return done


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]
