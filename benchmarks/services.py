"""Services of the comparison, with their commands."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from benchmarks.processes import Running, running
from embeddings.encoder import encoder_fingerprint
from embeddings.release.reader import Release
from service.local_server import reserve_port
from training.runs import NETWORK

OURS, TUTORIAL, LITSERVE, BENTOML = "Belvedere", "tutorial", "LitServe", "BentoML"
BARE = "bare ASGI"
"""A callable that returns a fixed body: the upper limit of requests per second."""

_REPOSITORY = Path(__file__).parents[1]

# Keras logs its build options at each start, and BentoML sends usage statistics.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "BENTOML_DO_NOT_TRACK": "True"}


class RivalSettings(BaseSettings):
    """Environment of the other services, which is separate from that of the project."""

    model_config = SettingsConfigDict(env_prefix="BENCH_", env_ignore_empty=True, frozen=True)

    rivals: Path = Field(
        Path(".rivals/bin/python"), description="Python of the environment of the other services."
    )

    @property
    def missing(self) -> str | None:
        """Reason for the missing environment; None if it exists."""
        if shutil.which(self.rivals) is None:
            return f"there is no `{self.rivals}`; `make bench` makes it"
        return None

    def version(self, package: str) -> str:
        """Return the version of a package in that environment."""
        code = f"from importlib.metadata import version; print(version({package!r}))"
        found = subprocess.run(
            [self.rivals, "-c", code], capture_output=True, text=True, check=True
        )
        return found.stdout.strip()


@dataclass(frozen=True)
class Service:
    """Service to measure; `{port}` in its command and settings is replaced by its port."""

    name: str
    command: tuple[str, ...]
    ready: str
    """Path that returns 200 once the service is ready."""
    settings: Mapping[str, str] = field(default_factory=dict)

    def started(self) -> AbstractContextManager[Running]:
        """Run the service on a free port until the block ends."""
        port = reserve_port()
        command = [part.format(port=port) for part in self.command]
        settings = {name: value.format(port=port) for name, value in self.settings.items()}
        return running(command, port, self.ready, _QUIET | settings)


def ours(home: Path) -> Service:
    """Return the service of this project."""
    return Service(
        OURS,
        (sys.executable, "-m", "belvedere", "serve"),
        "/readyz",
        {"BELVEDERE_HOME": str(home), "BELVEDERE_PORT": "{port}"},
    )


def tutorial(home: Path, release: Release) -> Service:
    """Return the tutorial service: FastAPI with `model.predict` and scikit-learn."""
    network = _published_network(home, release)
    module = (sys.executable, "-m", "benchmarks.rivals.tutorial")
    return Service(
        TUTORIAL, (*module, "{port}", str(release.folder), str(network)), "/openapi.json"
    )


def bare_asgi(size: int) -> Service:
    """Return the bare ASGI service with a body of `size` bytes."""
    module = (sys.executable, "-m", "benchmarks.rivals.bare_asgi")
    return Service(BARE, (*module, "{port}", str(size)), "/")


def litserve(python: Path, release: Release) -> Service:
    """Return LitServe with the same encoder."""
    module = (str(python), "-m", "benchmarks.rivals.litserve_app")
    return Service(LITSERVE, (*module, "{port}", str(release.folder)), "/health", _importing())


def bentoml(python: Path, release: Release) -> Service:
    """Return BentoML with the same encoder."""
    command = (str(python), "-m", "bentoml", "serve", "benchmarks.rivals.bentoml_app:Recognition")
    return Service(
        BENTOML,
        (*command, "--host", "127.0.0.1", "--port", "{port}"),
        "/readyz",
        _importing() | {"BENCH_RELEASE": str(release.folder)},
    )


def _importing() -> dict[str, str]:
    return {"PYTHONPATH": str(_REPOSITORY)}


def _published_network(home: Path, release: Release) -> Path:
    """Return the Keras network of the run whose exported encoder the release serves."""
    wanted = release.manifest.encoder.fingerprint
    for model in sorted((home / "runs").glob(f"*/encoder-*/{release.encoder.name}")):
        if encoder_fingerprint(model) == wanted:
            return model.parents[1] / NETWORK
    raise RuntimeError(
        f"No run under {home} has the network of the release; run `belvedere publish` again."
    )
