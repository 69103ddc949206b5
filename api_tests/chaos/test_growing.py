"""A collection that grows night by night, with commands that are killed at random moments."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from api_tests.chaos.running import (
    ROOT,
    continuous_requests,
    running,
    valid_calls,
    wait_until,
)
from embeddings.lock import LOCK
from embeddings.release.reader import current_release, open_release
from embeddings.store.store import Store
from tests.home_state import HomeContents, problems_of, state_of
from tests.tiny_release import LABELS
from tests.training.pictures import jpeg

pytestmark = pytest.mark.chaos

SEED, NIGHTS, FIRST, EACH = 16, 20, 30, 3
"""Seed of the moments; nights; images per class at first, and those added in a night."""
REVISIONS = 110
"""Small commits before the first night; above 100, the clean-up compacts the images."""
WRITERS = 10
LONGEST = 600.0
"""Seconds after which a command has hung."""
KEEP = {"KEEP_RELEASES": "1", "KEEP_VERSIONS": "1", "KEEP_DAYS": "0"}
"""Policy of the clean-up: everything that it may delete."""


@dataclass(frozen=True)
class Command:
    """Program that writes into a home."""

    name: str
    program: tuple[str, ...]

    def start(self, home: Path) -> subprocess.Popen[str]:
        """Start it in a process group of its own."""
        settings = {f"BELVEDERE_{name}": value for name, value in KEEP.items()}
        return subprocess.Popen(
            [sys.executable, "-m", *(each.format(home=home) for each in self.program)],
            cwd=ROOT,
            env=os.environ | settings | {"BELVEDERE_HOME": str(home), "OMP_WAIT_POLICY": "passive"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, home: Path) -> float:
        """Run it to its end and return the seconds after the start of its work."""
        process = self.start(home)
        started = wait_for_work(process, home)
        try:
            _, errors = process.communicate(timeout=LONGEST)
        finally:
            process.kill()
        assert process.returncode == 0, errors
        return time.monotonic() - started

    def kill(self, home: Path, delay: float) -> bool:
        """Kill its process group after `delay` seconds of work; return True if it had ended."""
        process = self.start(home)
        wait_for_work(process, home)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors
        return process.returncode == 0


def wait_for_work(process: subprocess.Popen[str], home: Path) -> float:
    """Wait until a process has the lock of a home; return the time."""
    lock = home / LOCK
    wait_until(
        lambda: (
            process.poll() is not None
            or (lock.exists() and f"(process {process.pid} on" in lock.read_text())
        )
    )
    return time.monotonic()


def commands(folder: Path, night: int) -> tuple[Command, ...]:
    """Return the three commands of a night; every other night publishes another model."""
    seed = () if night % 2 else (str(night + 1),)
    return (
        Command("add", ("belvedere", "add", str(folder), "--mirror")),
        Command("publish", ("tests.publisher", "{home}", *seed)),
        Command("clean-up", ("belvedere", "prune")),
    )


def begin_folder(folder: Path) -> None:
    """Make a data set of `FIRST` images in each class."""
    for number, label in enumerate(LABELS):
        (folder / label).mkdir(parents=True)
        for each in range(FIRST):
            (folder / label / f"{each:04}.jpg").write_bytes(jpeg(number * FIRST + each))


def grow(folder: Path, night: int) -> None:
    """Add images to each class; replace, move to another class and delete some; damage a file."""
    for number, label in enumerate(LABELS):
        for each in range(EACH):
            seed = 10_000 + (night * len(LABELS) + number) * EACH + each
            (folder / label / f"night-{night:02}-{each}.jpg").write_bytes(jpeg(seed))
    label, other = LABELS[night % len(LABELS)], LABELS[(night + 1) % len(LABELS)]
    (folder / label / f"{night:04}.jpg").write_bytes(jpeg(20_000 + night))
    (folder / other / f"{night:04}.jpg").rename(folder / label / f"moved-{night:02}.jpg")
    (folder / LABELS[(night + 2) % len(LABELS)] / f"{night:04}.jpg").unlink()
    (folder / label / f"damaged-{night:02}.jpg").write_bytes(jpeg(night)[:400])


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("data") / "collection"
    begin_folder(made)
    return made


@pytest.fixture
def pair(
    copied_home: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Return two equal homes, whose releases have the images of the folder."""
    for command in commands(folder, 1)[:2]:
        command.finish(copied_home)
    store = Store(str(copied_home / "store"))
    for number in range(REVISIONS):
        image = store.at().images[number]
        store.put([image.model_copy(update={"title": "Changed"})])
    store.tag("named")
    twin = tmp_path_factory.mktemp("twin") / "home"
    shutil.copytree(copied_home, twin, symlinks=True)
    return copied_home, twin


def check_kept(
    command: Command, found: HomeContents, before: HomeContents, after: HomeContents
) -> None:
    """Check that a killed command did nothing or everything to the images and to the release."""
    assert found.images in (before.images, after.images)
    sides = {each: row["split"] for each, row in before.images.items()}
    assert all(found.images[each]["split"] == side for each, side in sides.items())
    for tag, rows in before.tags.items():
        assert found.tags.get(tag, rows) == rows
        assert tag in found.tags or tag not in after.tags
    assert found.release in (before.release, after.release)
    if command.name != "add":
        assert found.images == before.images
    if command.name != "publish":
        assert found.release == before.release


def files_of(home: Path) -> Counter[tuple[str, str]]:
    """Return the number of files of each table and kind in the feature store."""
    store = home / "store"
    found = (path.relative_to(store) for path in store.rglob("*") if path.is_file())
    return Counter(
        (str(path.parent), path.suffix.partition("#")[0]) for path in found if path.name != LOCK
    )


def test_commands_are_killed_while_the_collection_grows(pair, folder, tally):
    """`add`, publishing and clean-up of a growing collection are killed (`kill -9`) at random."""
    home, twin = pair
    shares = np.random.default_rng(SEED).uniform(0, 1, (NIGHTS, 3))
    usual: dict[str, list[float]] = {}
    ended: Counter[str] = Counter()
    known = {open_release(current_release(home / "releases")).manifest.fingerprint}
    with (
        running(home) as service,
        continuous_requests(service, valid_calls(service, 1), clients=1, pause=0.2) as sent,
    ):
        for night in range(NIGHTS):
            grow(folder, night)
            for command, share in zip(commands(folder, night), shares[night], strict=True):
                before = state_of(home)
                seconds = command.finish(twin)
                usual.setdefault(command.name, []).append(seconds)
                after = state_of(twin)
                with tally.attempt():
                    ended[command.name] += command.kill(home, share * seconds)
                    assert problems_of(home) == []
                    check_kept(command, state_of(home), before, after)
                    command.finish(home)
                    assert state_of(home) == after
                    known.add(after.release["fingerprint"])
        last = open_release(current_release(home / "releases")).manifest.fingerprint
        with service.client() as client:
            wait_until(lambda: client.get("/readyz").json()["release"] == last)
    assert problems_of(home) == []
    assert files_of(home) == files_of(twin)
    assert sent.errors == []
    assert {answer.status_code for _, answer in sent.answers} == {200}
    assert {answer.json()["release"] for _, answer in sent.answers} <= known
    tally.measured = (
        "; ".join(
            f"{name}: {len(each)} kills within {min(each):.1f}–{max(each):.1f} s, "
            f"{ended[name]} had finished"
            for name, each in usual.items()
        )
        + f"; {len(sent.answers):,} requests meanwhile, none failed; seed {SEED}"
    )


@pytest.fixture
def writers(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return two folders with the same class and other images."""
    second = tmp_path / "second"
    (second / LABELS[0]).mkdir(parents=True)
    for number in range(FIRST):
        (second / LABELS[0] / f"{number:04}.jpg").write_bytes(jpeg(50_000 + number))
    return folder, second


def test_two_writers(writers, tmp_path, tally):
    """Two processes add different folders to one home at once; the later one is rejected."""
    rejected = 0
    for number in range(WRITERS):
        home = tmp_path / f"home-{number}"
        adding = [Command("add", ("belvedere", "add", str(each))) for each in writers]
        with tally.attempt():
            both = [each.start(home) for each in adding]
            errors = [each.communicate()[1] for each in both]
            assert 0 in [each.returncode for each in both]
            for process, command, error in zip(both, adding, errors, strict=True):
                if process.returncode:
                    assert "is locked by `belvedere add` (process" in error
                    rejected += 1
                    command.finish(home)
            assert len(Store(str(home / "store")).at().images) == FIRST * (len(LABELS) + 1)
    tally.measured = f"{rejected} of {WRITERS} overlapped; the rejected one then added all of its"
