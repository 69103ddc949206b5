"""Shared fixtures: an environment without outside settings, and a tiny release."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    # One test process runs on each core. Threads that synchronise at every step of a small
    # computation would multiply its processor time.
    **dict.fromkeys(("OMP_THREAD_LIMIT", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

MakeOnce = Callable[[str, Callable[[Path], None]], Path]

# They would redirect clients to a proxy, or change the output of processes.
_OUTSIDE = {
    *("all_proxy", "http_proxy", "https_proxy", "pythonwarnings"),
    *("clicolor_force", "columns", "force_color", "lines", "tty_compatible"),
}

_LONGEST = Path(__file__).parent / "tests" / "training"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, so that all processes finish at about the same time."""
    items.sort(key=lambda item: _LONGEST not in item.path.parents)


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> Iterator[None]:
    """Remove settings from the environment that would direct the tests to other data."""
    led = [each for each in os.environ if each[:10] == "BELVEDERE_" or each.lower() in _OUTSIDE]
    before = {name: os.environ.pop(name) for name in led}
    yield
    os.environ.update(before)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Return a function that makes a folder once for all test processes and returns a copy."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def give(name: str, make: Callable[[Path], None]) -> Path:
        made = shared / f"{name}-shared"
        with made.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                draft = tmp_path_factory.mktemp(name)
                make(draft)
                draft.rename(made)
        return Path(shutil.copytree(made, tmp_path_factory.mktemp(name) / "copy", symlinks=True))

    return give


@pytest.fixture(scope="session")
def home(made_once: MakeOnce) -> Path:
    """Return a folder BELVEDERE_HOME with a store and the tiny release."""
    from tests.tiny_release import make_home

    return made_once("tiny-home", make_home)
