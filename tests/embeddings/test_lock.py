"""Exclusive lock of a home, and deletion of the drafts of killed processes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embeddings.errors import HomeError
from embeddings.lock import LOCK, Locked, drafts, home_lock, write_lock

ROOT = Path(__file__).parents[2]

HOLDER = """
import sys
from pathlib import Path

from embeddings.atomic import atomic_folder
from embeddings.lock import home_lock

home = Path(sys.argv[1])
with home_lock(home, "belvedere prepare"), atomic_folder(home / "runs" / "a") as draft:
    (draft / "half").touch()
    print("held", flush=True)
    sys.stdin.read()
"""

SERVICE = """
import sys

from embeddings.lock import SERVICE, store_lock

with store_lock(sys.argv[1], SERVICE):
    print("held", flush=True)
    sys.stdin.read()
"""

TRIES = """
import sys
from pathlib import Path

from embeddings.errors import HomeError
from embeddings.lock import home_lock

try:
    with home_lock(Path(sys.argv[1]), "x"):
        print("taken")
except HomeError as error:
    print(error)
"""

FORMER = (
    "runs/.running-x/report.json",
    "runs/a/.exporting-x/encoder.xml",
    "runs/a/.quantizing-x/encoder.xml",
    "cache/.decoding-x/pixels.npy",
    "cache/.features-x/features.npz",
    "releases/.publishing-x/release/half",
    "downloads/.download-x",
    "downloads/licenses/.download-y",
)


@contextmanager
def held(program: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that holds a lock."""
    command = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that holds the lock of `tmp_path` and has a draft there."""
    with held(HOLDER, tmp_path) as process:
        yield process


def test_a_second_process_fails_at_once_with_the_holder_of_the_lock(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    with (
        pytest.raises(
            HomeError, match=rf"is locked by `belvedere prepare` \(process {holder.pid} on "
        ),
        home_lock(tmp_path, "another"),
    ):
        pass
    assert list(tmp_path.glob("runs/.draft-*/a/half"))


def test_the_lock_of_a_killed_process_is_released_and_its_drafts_deleted(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    for name in FORMER:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    holder.kill()
    holder.wait()
    with home_lock(tmp_path, "another"):
        hidden = [path.name for path in tmp_path.rglob(".*")]
    assert hidden == [LOCK]


def test_the_lock_is_released_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), home_lock(tmp_path, "first"):
        _ = 1 / 0
    with home_lock(tmp_path, "second"):
        pass


@pytest.mark.parametrize(
    ("home", "sentence"),
    [
        ("file", "BELVEDERE_HOME: .*file: a folder is required, but this is a file"),
        ("file/below", "BELVEDERE_HOME: .*below: a folder is required, but this is a file"),
        ("closed/below", "BELVEDERE_HOME: .*below: permission denied"),
        ("closed", "BELVEDERE_HOME: .*closed is not writable"),
        ("n" * 300, "BELVEDERE_HOME: .*the name is too long"),
    ],
)
def test_a_home_that_is_not_writable_is_an_error_with_advice(
    tmp_path: Path, home: str, sentence: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / LOCK).touch()
    (tmp_path / "closed").chmod(0o555)
    # Root can write everywhere unless it drops its capabilities.
    dropped = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    tried = subprocess.run(
        [*dropped, sys.executable, "-c", TRIES, str(tmp_path / home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(sentence, tried.stdout)


def test_two_homes_cannot_write_into_one_store_at_once(tmp_path: Path) -> None:
    first, second, shared = tmp_path / "first", tmp_path / "second", tmp_path / "shared"
    with (
        write_lock(first, str(shared), "belvedere add"),
        pytest.raises(HomeError, match=r"locked by `belvedere add`.* set BELVEDERE_STORE"),
        write_lock(second, str(shared), "belvedere delete"),
    ):
        pass
    with write_lock(second, str(shared), "belvedere delete"):
        pass
    with (
        write_lock(first, str(first / "store"), "belvedere add"),
        write_lock(second, str(second / "store"), "belvedere add"),
    ):
        pass


@pytest.mark.parametrize("place", ["home/store", "elsewhere"])
def test_a_service_that_writes_the_store_is_named_and_leaves_the_home_free(
    tmp_path: Path, place: str
) -> None:
    home, store = tmp_path / "home", str(tmp_path / place)
    with held(SERVICE, Path(store)) as service:
        with (
            pytest.raises(
                Locked,
                match=rf"store .* is locked by `belvedere serve` \(process {service.pid} on .*"
                r"send the changes to this service \(`belvedere add --to URL`\), or stop it first",
            ),
            write_lock(home, store, "belvedere delete"),
        ):
            pass
        with home_lock(home, "belvedere publish"):
            pass
        service.kill()
        service.wait()
        with write_lock(home, store, "belvedere delete"):
            pass


def test_drafts_stay_if_wanted(tmp_path: Path) -> None:
    draft = tmp_path / "runs" / ".draft-a"
    draft.mkdir(parents=True)
    with home_lock(tmp_path, "belvedere verify", keep_drafts=True):
        assert drafts(tmp_path) == [draft]
    with home_lock(tmp_path, "belvedere train"):
        assert drafts(tmp_path) == []
