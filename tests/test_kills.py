"""Commands that are killed go on where they were, and nothing that was reported is lost."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from belvedere.cli import main
from conftest import MakeOnce
from embeddings.store.store import Store
from tests import publisher
from tests.home_state import HomeContents, images_of, problems_of, state_of
from tests.tiny_release import make_home
from tests.training.pictures import class_folders, jpeg

ROOT = Path(__file__).parents[1]
FEW = ("--keep-releases", "0", "--keep-versions", "1", "--keep-days", "0")


def start(*program: str, at: tuple[str, str], send: str = "SIGKILL") -> subprocess.Popen[str]:
    event, pattern = at
    return subprocess.Popen(
        [sys.executable, "-m", "tests.interrupted", event, pattern, send, *program],
        cwd=ROOT, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=os.environ | {"OMP_WAIT_POLICY": "passive"},
    )  # fmt: skip


def kill(*program: str, at: tuple[str, str]) -> None:
    """Run a program that is killed at a file operation."""
    process = start(*program, at=at)
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors


def belvedere(home: Path, *arguments: str) -> None:
    assert main([*arguments, "--home", str(home)]) == 0


def grow(folder: Path) -> None:
    """Change a data set: two new images, one replaced, one moved to another class, one gone."""
    (folder / "lake/new.jpg").write_bytes(jpeg(500))
    (folder / "road/new.jpg").write_bytes(jpeg(501))
    (folder / "lake/000.jpg").write_bytes(jpeg(502))
    (folder / "lake/001.jpg").rename(folder / "road/moved.jpg")
    (folder / "lake/002.jpg").unlink()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return class_folders(tmp_path / "own", {"lake": 12, "road": 12})


@pytest.fixture
def pair(made_once: MakeOnce, tmp_path: Path, folder: Path) -> tuple[Path, Path]:
    """Return two equal homes with a release, an older one, and an added folder that then grows."""
    home = made_once("tiny-home", make_home)
    belvedere(home, "add", str(folder))
    publisher.main(home)
    twin = Path(shutil.copytree(home, tmp_path / "twin", symlinks=True))
    grow(folder)
    return home, twin


def test_killed_commands_lose_nothing_and_go_on(pair: tuple[Path, Path], folder: Path) -> None:
    home, twin = pair
    where = ("--home", str(home))

    def killed(*program: str, at: tuple[str, str]) -> HomeContents:
        kill(*program, at=at)
        assert problems_of(home) == []
        return state_of(home)

    add = ("add", str(folder), "--mirror")
    before = state_of(home)
    belvedere(twin, *add)
    after = state_of(twin)
    found = killed("belvedere", *add, *where, at=("open", r"labels\.lance"))
    assert found.images == before.images
    found = killed("belvedere", *add, *where, at=("open", r"images\.lance"))
    assert found.images == after.images
    belvedere(home, *add)
    assert state_of(home) == after

    publisher.main(twin)
    found = killed("tests.publisher", str(home), at=("os.rename", r"/releases/[^/.]+$"))
    assert (found.images, found.release) == (after.images, after.release)
    publisher.main(home)
    after = state_of(twin)
    assert state_of(home) == after

    belvedere(twin, "prune", *FEW)
    found = killed("belvedere", "prune", *FEW, *where, at=("open", r"blobs\.lance"))
    assert (found.images, found.tags, found.release) == (after.images, after.tags, after.release)
    belvedere(home, "prune", *FEW)
    assert state_of(home) == state_of(twin)
    assert Store(str(home / "store")).blobs.known() == Store(str(twin / "store")).blobs.known()


@pytest.mark.parametrize("command", ["prune", "erase"])
def test_a_half_deleted_version_and_a_half_created_table_are_no_damage(
    made_once: MakeOnce, command: str
) -> None:
    """They remain if a process is killed within a call of Lance."""
    home = made_once("tiny-home", make_home)
    store = Store(str(home / "store"))
    images = store.at().images
    revision, newest = (
        store.put([each.model_copy(update={"title": title}) for each in images])
        for title in ("New", "Newer")
    )
    (fragment,) = store.at(revision).dataset.get_fragments()
    for file in fragment.data_files():
        (home / "store/images.lance/data" / file.path).unlink()
    (home / "store/features/begun.lance/_transactions").mkdir(parents=True)
    before = images_of(store.at())
    assert problems_of(home) == []
    assert {revision, newest} & {each.revision for each in store.versions()} == {newest}
    if command == "erase":
        erased = min(before)
        belvedere(home, "erase", erased, "--yes")
        del before[erased]
    else:
        belvedere(home, "prune")
        assert problems_of(home) == []
    assert images_of(store.at()) == before


def test_of_two_writers_one_is_rejected_and_none_is_lost(
    tmp_path: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    other = tmp_path / "other"
    (other / "lake").mkdir(parents=True)
    (other / "lake/own.jpg").write_bytes(jpeg(900))
    first = start(
        "belvedere", "add", str(folder), "--home", str(home),
        at=("open", r"blobs\.lance/data"), send="SIGSTOP",
    )  # fmt: skip
    try:
        os.waitpid(first.pid, os.WUNTRACED)
        assert main(["add", str(other), "--home", str(home)]) == 1
        assert f"is locked by `belvedere add` (process {first.pid} on" in capfd.readouterr().err
        os.kill(first.pid, signal.SIGCONT)
        assert first.wait() == 0
    finally:
        first.kill()
        first.communicate()
    belvedere(home, "add", str(other))
    assert problems_of(home) == []
    assert len(Store(str(home / "store")).at().images) == 25
