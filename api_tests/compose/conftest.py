"""Stack that is started once for all of its tests, and the summary of their checks."""

import os
from collections.abc import Generator, Iterator

import httpx
import pytest

from api_tests.compose.engine import Engine, NoEngine, find_engine
from api_tests.compose.stack import Stack
from service.local_server import reserve_port

SCENES = 20
EVERY_PROFILE = tuple(
    part
    for name in ("report", "replicas", "monitoring", "writable")
    for part in ("--profile", name)
)

_PORTS = (
    "BELVEDERE_PORT",
    "BELVEDERE_WRITER_PORT",
    "BELVEDERE_PROXY_PORT",
    "BELVEDERE_PROMETHEUS_PORT",
)
_CHECKED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def engine() -> Engine:
    try:
        return find_engine()
    except NoEngine as error:
        if os.environ.get("REQUIRE_STACK"):
            raise
        pytest.skip(f"the stack was not tested: {error}")


@pytest.fixture(scope="session")
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Build the images, start the stack (train, publish, serve), and remove it afterwards."""
    settings = {
        "BELVEDERE_REVISION": "tested",
        "BELVEDERE_DATA": "scenes",
        "BELVEDERE_SCENES": str(SCENES),
    }
    ports = {name: str(reserve_port()) for name in _PORTS}
    folder = tmp_path_factory.mktemp("stack")
    stack = Stack(engine, folder, "belvedere-test", settings | ports)
    down = (*EVERY_PROFILE, "down", "--volumes", "--remove-orphans", "--rmi", "local")
    stack.compose(*down)
    try:
        stack.compose(*EVERY_PROFILE, "build")
        stack.compose("up", "--detach")
        stack.wait_until_healthy()
        yield stack
    finally:
        stack.compose(*down)


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.passed and item.get_closest_marker("compose"):
        assert isinstance(item, pytest.Function)
        said = str(item.obj.__doc__).splitlines()[0].rstrip(".")
        item.config.stash.setdefault(_CHECKED, []).append(said)
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    checked = config.stash.get(_CHECKED, [])
    if checked:
        config.get_terminal_writer().line(f"Checked: {'; '.join(dict.fromkeys(checked))}.")
