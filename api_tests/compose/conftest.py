"""The stack, up once for all of its tests, and the line that says what they checked."""

from collections.abc import Iterator

import httpx
import pytest

from api_tests.compose.engine import Engine, NoEngine, find_engine
from api_tests.compose.stack import Stack, free_port

_CHECKED = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def engine() -> Engine:
    try:
        return find_engine()
    except NoEngine as error:
        pytest.skip(f"the stack was not tested: {error}")


@pytest.fixture(scope="session")
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both images built, and the stack up: trained, published and served."""
    report = tmp_path_factory.mktemp("report")
    stack = Stack(engine, report, *(free_port() for _ in range(3)))
    every = ("--profile", "report", "--profile", "replicas", "--profile", "monitoring")
    stack.compose("down", "--volumes", "--remove-orphans")
    try:
        stack.compose("build")
        stack.compose("up", "--detach")
        stack.wait_until_healthy()
        yield stack
    finally:
        stack.compose(*every, "down", "--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[httpx.Client]:
    with stack.client() as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call" and report.passed and item.get_closest_marker("compose"):
        said = str(item.obj.__doc__).splitlines()[0].rstrip(".")
        item.config.stash.setdefault(_CHECKED, []).append(said)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    checked = terminalreporter.config.stash.get(_CHECKED, [])
    if checked:
        terminalreporter.section("what was checked")
        terminalreporter.write_line("; ".join(checked) + ".")
