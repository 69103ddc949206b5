"""Service for the report: one that is already running, or one started for the report."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from embeddings.errors import BelvedereError
from embeddings.release.reader import current_release
from embeddings.release.sharing import SharedReleases
from service.client import Client, ServiceError
from service.local_server import LOCAL, ServerNotStarted, reserve_port, running_server
from service.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
"""Folder of the packages and the notebook."""

_EVERYWHERE = {"0.0.0.0": LOCAL, "::": "::1"}
_POLL_SECONDS = 0.1


class ReportError(BelvedereError):
    """The report failed; the message gives the reason and the remedy."""


@contextmanager
def running_service(settings: ServiceSettings) -> Iterator[str]:
    """Yield the URL of a ready service; if none is running, one runs until the block ends.

    Raises `ReportError`, or `ReleaseError` if there is no release to serve.
    """
    url = _address(settings.host, settings.port)
    if settings.port and _is_ready(url):
        yield url
        return
    if (shared := SharedReleases.of(settings)) is not None:
        shared.pull()
    current_release(settings.releases_folder)
    port = reserve_port()
    url = _address(LOCAL, port)
    environment = {
        "BELVEDERE_HOME": str(settings.home.resolve()),
        "BELVEDERE_HOST": LOCAL,
        "BELVEDERE_PORT": str(port),
    }
    command = [sys.executable, "-m", "belvedere", "serve"]
    try:
        with running_server(
            command,
            lambda: _is_ready(url),
            environment=environment,
            folder=ROOT,
            poll_seconds=_POLL_SECONDS,
        ):
            yield url
    except ServerNotStarted as error:
        raise ReportError(str(error)) from error


def _is_ready(url: str) -> bool:
    """Return whether a service is ready at `url`; False if none listens or it is still opening.

    Raises `ReportError` if another program listens.
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
                    f"Another program listens at {url}; set BELVEDERE_PORT to a free port."
                ) from error
            raise ReportError(f"The service at {url} is not ready: {error}") from error
    return True


def _address(host: str, port: int) -> str:
    host = _EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
