"""What all tests share: an environment without outside settings, and a tiny release."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    # There is a test process for each core. Threads that wait for each other at every step of a
    # small computation would take many times its processor time.
    **dict.fromkeys(("OMP_THREAD_LIMIT", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

MakeOnce = Callable[[str, Callable[[Path], None]], Path]

# They would lead clients past the services of the tests, or change what processes print.
_OUTSIDE = {
    *("all_proxy", "http_proxy", "https_proxy", "pythonwarnings"),
    *("clicolor_force", "columns", "force_color", "lines", "tty_compatible"),
}

_LONGEST = Path(__file__).parent / "tests" / "training"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no process works on when the others have done."""
    items.sort(key=lambda item: _LONGEST not in item.path.parents)


@pytest.fixture(autouse=True, scope="session")
def _no_settings_from_outside() -> Iterator[None]:
    """Settings of the person who runs the tests must not lead them to other data."""
    led = [each for each in os.environ if each[:10] == "BELVEDERE_" or each.lower() in _OUTSIDE]
    before = {name: os.environ.pop(name) for name in led}
    yield
    os.environ.update(before)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Makes a folder once for all processes of a test run and gives each a copy of its own."""
    everybody = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        everybody = everybody.parent

    def give(name: str, make: Callable[[Path], None]) -> Path:
        made = everybody / f"{name}-for-everybody"
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
    """A folder BELVEDERE_HOME with a store and the tiny release."""
    from tests.tiny_release import make_home

    return made_once("tiny-home", make_home)
