"""Copies of a home that are written, and services on them."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx

from benchmarks.connections import SHORT_KEEP_ALIVE
from benchmarks.processes import Running
from benchmarks.services import Service, ours

_TIMEOUT_SECONDS = 60


def copy_home(home: Path, target: Path) -> Path:
    """Copy the store and the releases of a home, and return the copy."""
    for part in ("store", "releases"):
        shutil.copytree(home / part, target / part, symlinks=True)
    return target


def started(home: Path, **settings: str) -> AbstractContextManager[Running]:
    """Run the service of a home until the block ends; it never publishes changes by itself."""
    service = ours(home)
    changed = {**service.settings, "BELVEDERE_FOLD_SHARE": "1", **settings}
    return Service(service.name, service.command, service.ready, changed).started()


@contextmanager
def client_of(service: Running) -> Iterator[httpx.Client]:
    """Yield a client of a service, without the proxies of the environment."""
    with httpx.Client(
        base_url=service.url, timeout=_TIMEOUT_SECONDS, limits=SHORT_KEEP_ALIVE, trust_env=False
    ) as client:
        yield client
