"""Docker engine of this machine and its Compose command."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Longer than any build; ends a command that hangs.
_SECONDS = 3600


class NoEngine(RuntimeError):
    """Absence of a usable engine; the message gives the reason."""


class CommandFailed(AssertionError):
    """Failure of a Docker command; the message contains its last lines of output."""


@dataclass(frozen=True)
class Engine:
    """Commands of Docker and Compose."""

    compose: tuple[str, ...]
    version: str

    def docker(self, *arguments: str) -> str:
        """Run a Docker command and return its output."""
        return call(("docker", *arguments)).stdout


def find_engine() -> Engine:
    """Return the engine of this machine. Raises `NoEngine`."""
    if shutil.which("docker") is None:
        raise NoEngine("the command `docker` is missing")
    try:
        version = call(("docker", "version", "--format", "{{.Server.Version}}")).stdout.strip()
    except CommandFailed as error:
        raise NoEngine(f"no Docker engine responds ({_last_line(str(error))})") from error
    for compose in (("docker", "compose"), ("docker-compose",)):
        try:
            call((*compose, "version"))
        except (CommandFailed, FileNotFoundError):
            continue
        return Engine(compose, version)
    raise NoEngine("neither `docker compose` nor `docker-compose` is installed")


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
