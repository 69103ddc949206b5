"""The services that are measured side by side, and how each is started."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from benchmarks.processes import Running, free_port, running
from embeddings.encoder import encoder_fingerprint
from embeddings.release.reader import Release
from training.runs import NETWORK

OURS, TUTORIAL, LITSERVE, BENTOML = "Belvedere", "tutorial", "LitServe", "BentoML"
FLOOR = "bare ASGI"
"""A callable that returns a fixed body: the upper limit of requests per second."""

_REPOSITORY = Path(__file__).parents[1]

# Keras says how it was built each time, and BentoML would report its use.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "BENTOML_DO_NOT_TRACK": "True"}


class RivalSettings(BaseSettings):
    """Where the rivals live that cannot share an environment with the project."""

    model_config = SettingsConfigDict(env_prefix="BENCH_", env_ignore_empty=True, frozen=True)

    rivals: Path = Field(
        Path(".rivals/bin/python"), description="Python of the environment of the rivals."
    )

    @property
    def missing(self) -> str | None:
        """Why there are no rivals; None where there are."""
        if shutil.which(self.rivals) is None:
            return f"there is no `{self.rivals}`; `make bench` makes it"
        return None

    def version(self, package: str) -> str:
        """The version of a package in that environment."""
        question = f"from importlib.metadata import version; print(version({package!r}))"
        said = subprocess.run(
            [self.rivals, "-c", question], capture_output=True, text=True, check=True
        )
        return said.stdout.strip()


@dataclass(frozen=True)
class Service:
    """One of them; `{port}` in its command and settings stands for the port that it is given."""

    name: str
    command: tuple[str, ...]
    ready: str
    """The path that it answers with 200 as soon as it is ready."""
    settings: Mapping[str, str] = field(default_factory=dict)

    def started(self) -> AbstractContextManager[Running]:
        """Run it on a free port until the end of the context."""
        port = free_port()
        command = [part.format(port=port) for part in self.command]
        settings = {name: value.format(port=port) for name, value in self.settings.items()}
        return running(command, port, self.ready, _QUIET | settings)


def ours(home: Path) -> Service:
    """The service under test."""
    return Service(
        OURS,
        (sys.executable, "-m", "belvedere", "serve"),
        "/readyz",
        {"BELVEDERE_HOME": str(home), "BELVEDERE_PORT": "{port}"},
    )


def tutorial(home: Path, release: Release) -> Service:
    """FastAPI with `model.predict` and scikit-learn."""
    network = _published_network(home, release)
    module = (sys.executable, "-m", "benchmarks.rivals.tutorial")
    return Service(
        TUTORIAL, (*module, "{port}", str(release.folder), str(network)), "/openapi.json"
    )


def floor(size: int) -> Service:
    """A bare callable that answers so many bytes."""
    module = (sys.executable, "-m", "benchmarks.rivals.floor")
    return Service(FLOOR, (*module, "{port}", str(size)), "/")


def litserve(python: Path, release: Release) -> Service:
    """LitServe with the same encoder."""
    module = (str(python), "-m", "benchmarks.rivals.litserve_app")
    return Service(LITSERVE, (*module, "{port}", str(release.folder)), "/health", _importing())


def bentoml(python: Path, release: Release) -> Service:
    """BentoML with the same encoder."""
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
