"""Finding the service that a report asks: the one that runs, else one of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO

from embeddings.errors import BelvedereError
from embeddings.release.reader import current_release
from service.client import Client, ServiceError
from service.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
"""Where the packages and the notebook lie."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_LOCAL = "127.0.0.1"
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.1


class ReportError(BelvedereError):
    """The report cannot be made; the message says why and what to do."""


@contextmanager
def running_service(settings: ServiceSettings) -> Iterator[str]:
    """The address of a service that is ready; where none listens, one is started for the while.

    Raises `ReportError`, or `ReleaseError` where there is nothing to serve.
    """
    url = _address(settings.host, settings.port)
    if settings.port and _is_ready(url):
        yield url
        return
    current_release(settings.releases)
    port = _free_port()
    with tempfile.TemporaryFile() as log, _started(settings, port, log) as process:
        url = _address(_LOCAL, port)
        _wait(url, process, log)
        yield url


def _is_ready(url: str) -> bool:
    """Return whether a service is ready there; False if nothing listens or it is being opened.

    Raises `ReportError` if anything else listens.
    """
    client = Client(url, retries=0)
    with client:
        try:
            client.ready()
        except ServiceError as error:
            if error.status is None or error.retryable:
                return False
            if error.status == HTTPStatus.OK:
                raise ReportError(
                    f"What answers at {url} is another service; set BELVEDERE_PORT to a free port."
                ) from error
            raise ReportError(f"The service at {url} is not ready: {error}") from error
    return True


@contextmanager
def _started(
    settings: ServiceSettings, port: int, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "BELVEDERE_HOME": str(settings.home.resolve()),
        "BELVEDERE_HOST": _LOCAL,
        "BELVEDERE_PORT": str(port),
    }
    command = [sys.executable, "-m", "belvedere", "serve"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _is_ready(url):
        if process.poll() is not None:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise ReportError(f"The service did not start: {''.join(last)}")
        if time.monotonic() > deadline:
            raise ReportError("The service did not start in time; try `belvedere serve` by itself.")
        time.sleep(_PAUSE_SECONDS)


def _address(host: str, port: int) -> str:
    host = _EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((_LOCAL, 0))
        port: int = listening.getsockname()[1]
        return port
