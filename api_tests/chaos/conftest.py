"""Tallies of the chaos tests, and the page that is written from them."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from api_tests.chaos.tally import Tally, page
from benchmarks.environment import describe_environment
from embeddings.release.reader import current_release, open_release

_TALLIES = pytest.StashKey[list[Tally]]()
_CIRCUMSTANCES = pytest.StashKey[list[str]]()
_PASSED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--page", type=Path, help="write the page of attempts and survivals to this file"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report


@pytest.fixture
def tally(request: pytest.FixtureRequest, home: Path) -> Iterator[Tally]:
    """Yield the tally of this test, named by the first line of its docstring."""
    stash = request.config.stash
    line = Tally(str(request.function.__doc__).splitlines()[0].rstrip("."))
    stash.setdefault(_TALLIES, []).append(line)
    stash[_CIRCUMSTANCES] = describe_environment(open_release(current_release(home / "releases")))
    yield line
    line.passed = request.node.stash.get(_PASSED, False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    tallies = config.stash.get(_TALLIES, [])
    if not tallies:
        return
    target: Path | None = config.getoption("--page", None)
    before = target.read_text("utf-8") if target and target.exists() else ""
    written = page(config.stash[_CIRCUMSTANCES], tallies, before)
    terminalreporter.section("attempts and survivals")
    terminalreporter.write_line(written)
    if target:
        target.write_text(written, "utf-8")
