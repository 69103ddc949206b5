"""A service that writes: killed, out of disk space, beside another writer, and while it folds."""

import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from api_tests.chaos.running import ROOT, Running, continuous_requests, running, wait_until
from api_tests.chaos.writers import ImageWriter, check_stored, continuous_writes, picture
from api_tests.hostile import corpus
from embeddings.release.reader import current_release, read_manifest

pytestmark = pytest.mark.chaos

SEED = 17
KILLS, WRITERS, LONGEST = 100, 4, 0.5
"""Kills of the writing service; clients; most seconds from the first answer to a kill."""
REPLICA_KILLS = 10
BATCH = 12
"""Hostile images in a batch."""
FULL_ROUNDS, SPARE = 5, 3 * 2**20
"""Times that the disk is full; bytes that are free at first."""
SWAPS, RATE, FOLD = 20, 50, 150
"""Releases that replace each other; writes per second; changes that are folded."""
SLOWEST = 600.0
"""Seconds within which a fold, a process of low priority, must be served."""
MANY, SETTLED, FOLDS, GROWTH = 20_000, 2_000, 20, 1.05
"""Writes; those after which the memory is compared; folds; largest growth of the memory."""
REPLACING = 8
"""Clients that replace images; together they have as many images as changes are folded."""


def fingerprint(home: Path) -> str:
    return read_manifest(current_release(home / "releases")).fingerprint


def _has_more_writes(writers: list[ImageWriter], before: int) -> bool:
    return sum(each.writes for each in writers) > before


def _serves_another(service: Running, release: str) -> bool:
    return served(service) != release


def test_the_writer_is_killed(copied_home, tally):
    """The writing service is killed (`kill -9`) while four clients change images."""
    moments = np.random.default_rng(SEED).uniform(0, LONGEST, KILLS)
    writers = [ImageWriter(number, SEED) for number in range(WRITERS)]
    for moment in moments.tolist():
        before = sum(each.writes for each in writers)
        with (
            running(copied_home, writable=True, fold_changes=FOLD) as service,
            continuous_writes(service, writers),
        ):
            wait_until(partial(_has_more_writes, writers, before))
            time.sleep(moment)
            service.process.kill()
            service.process.wait()
        with tally.attempt():
            check_stored(copied_home, writers)
    assert [each.failures for each in writers] == [[]] * WRITERS
    written = sum(each.writes for each in writers)
    assert written > KILLS
    tally.measured = (
        f"{written:,} acknowledged changes, none lost, none doubled; `verify` clean each time"
    )


def test_a_replica_is_killed(copied_home, tally):
    """A replica is killed while another service writes; started again, it has every change."""
    writers = [ImageWriter(number, SEED + 1) for number in range(2)]
    with (
        running(copied_home, writable=True) as service,
        continuous_writes(service, writers, pause=0.02),
    ):
        for _ in range(REPLICA_KILLS):
            with tally.attempt(), running(copied_home) as replica:
                reached = max(each.revision for each in writers)
                with replica.client() as client:
                    answer = client.get("/images", params={"min_revision": reached, "limit": 1})
                    assert answer.status_code == 200
                    assert answer.json()["revision"] >= reached
                replica.process.kill()
    assert [each.failures for each in writers] == [[]] * 2
    check_stored(copied_home, writers)
    tally.measured = f"{sum(each.writes for each in writers):,} changes meanwhile, none refused"


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system of so many bytes; skips the test without the right to."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("A file system can be mounted by root only.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_disk_is_full(home, tmp_path, tally):
    """The disk is full: changes are refused with a 507 and advice, reads go on, nothing breaks."""
    used = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    writer, refused = ImageWriter(0, SEED + 2), 0
    with small_disk(tmp_path / "disk", used + 2 * SPARE) as disk:
        copied = Path(shutil.copytree(home, disk / "home", symlinks=True))
        filler = disk / "filler"
        with running(copied, writable=True) as service, service.client() as client:
            calls = [lambda client: client.get("/neighbors", params={"id": "lake/lake_0001"})]
            with continuous_requests(service, calls, clients=1, pause=0.01) as sent:
                for _ in range(FULL_ROUNDS):
                    with tally.attempt():
                        _fill(filler)
                        while not writer.failures:
                            writer.write(client)
                        refused += len(writer.failures)
                        assert all(
                            each.startswith("507 ") and "The disk of" in each and "is full" in each
                            for each in writer.failures
                        )
                        writer.failures.clear()
                        filler.unlink()
                        before = writer.writes
                        while writer.writes == before:
                            writer.write(client)
                        assert writer.failures == []
            assert sent.errors == []
            assert {answer.status_code for _, answer in sent.answers} == {200}
        check_stored(copied, [writer])
    tally.measured = f"{len(sent.answers):,} reads meanwhile, none failed"


def _fill(path: Path) -> None:
    """Write a file until the disk is full."""
    with path.open("wb") as file:
        try:
            while True:
                file.write(bytes(2**16))
                file.flush()
        except OSError:
            return


def test_a_second_writer(copied_home, tally):
    """A second writing service, and commands that change images, end at once and name the first."""
    programs = (
        ("serve", "--writable", "--port", "0"),
        ("delete", "lake/lake_0001"),
        ("add", "."),
        ("prune",),
    )
    slowest = 0.0
    with running(copied_home, writable=True) as service:
        for program in programs:
            with tally.attempt():
                started = time.monotonic()
                done = subprocess.run(
                    [sys.executable, "-m", "belvedere", *program],
                    cwd=ROOT,
                    env=os.environ | {"BELVEDERE_HOME": str(copied_home)},
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
                slowest = max(slowest, time.monotonic() - started)
                assert done.returncode == 1
                assert f"`belvedere serve` (process {service.process.pid} on " in done.stderr
    tally.measured = f"told after {slowest:.1f} s at most, start of Python included"


def test_hostile_images_in_a_batch(copied_home, tally):
    """Hostile images in a batch get an outcome of their own; the others are stored."""
    cases = corpus()
    with running(copied_home, writable=True) as service, service.client() as client:
        for start in range(0, len(cases), BATCH):
            hostile = cases[start : start + BATCH]
            good = [f"lake/good-{start + number}" for number in range(3)]
            archive = BytesIO()
            with zipfile.ZipFile(archive, "w") as file:
                for number, name in enumerate(good):
                    file.writestr(f"{name}.jpg", picture(start + number))
                    for case in range(number, len(hostile), len(good)):
                        file.writestr(f"lake/hostile-{start + case}.jpg", hostile[case].data)
            with tally.attempt():
                answer = client.post(
                    "/images",
                    content=archive.getvalue(),
                    headers={"Content-Type": "application/zip"},
                )
                assert answer.status_code == 200, answer.text
                found = {each["id"]: each["outcome"] for each in answer.json()["outcomes"]}
                assert len(answer.json()["outcomes"]) == len(hostile) + len(good)
                assert [found[name] for name in good] == ["added"] * len(good)
        assert client.get("/readyz").status_code == 200
    tally.measured = f"{len(cases)} hostile images in batches of {BATCH} with 3 others"


class _Readers:
    """Clients whose answers are compared: one state has one answer."""

    def __init__(self, service: Running) -> None:
        self.count = 0
        self.failed: list[str] = []
        self.mixed: list[str] = []
        self._service = service
        self._known: dict[tuple[str, str, int], bytes] = {}
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, clients: int) -> Iterator[None]:
        """Read until the block ends."""
        done = threading.Event()
        threads = [
            threading.Thread(target=self._read, args=(number, done)) for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _read(self, number: int, done: threading.Event) -> None:
        paths = (
            "/neighbors?id=lake/lake_0001",
            "/neighbors?id=road/road_0003&k=9",
            "/images?limit=5",
            "/errors?limit=5",
            "/predict?id=lake/lake_0002",
        )
        last = 0
        with self._service.client() as client:
            while not done.is_set():
                path = paths[self.count % len(paths)]
                answer = client.get(path)
                with self._lock:
                    self.count += 1
                    if answer.status_code != 200:
                        self.failed.append(f"{path}: {answer.status_code} {answer.text[:200]}")
                        continue
                    body = answer.json()
                    state = (path, body["release"], body["revision"])
                    if self._known.setdefault(state, answer.content) != answer.content:
                        self.mixed.append(f"{state}")
                    if body["revision"] < last:
                        self.mixed.append(f"{path}: revision {body['revision']} after {last}")
                    last = max(last, body["revision"])


def test_releases_change_while_images_are_written(copied_home, tally):
    """Releases are folded and replaced by other models under 50 changes per second and reads."""
    writers = [ImageWriter(number, SEED + 3) for number in range(WRITERS)]
    started = time.monotonic()
    with running(copied_home, writable=True, fold_changes=FOLD, fold_share=1) as service:
        readers = _Readers(service)
        with (
            continuous_writes(service, writers, pause=WRITERS / RATE),
            readers.reading(clients=2),
        ):
            for number in range(SWAPS):
                before = served(service)
                with tally.attempt():
                    if number % 4 == 3:
                        _publish(copied_home, number)
                    wait_until(partial(_serves_another, service, before), SLOWEST)
        seconds = time.monotonic() - started
    assert [each.failures for each in writers] == [[]] * WRITERS
    assert readers.failed == []
    assert readers.mixed == []
    check_stored(copied_home, writers)
    written = sum(each.writes for each in writers)
    tally.measured = (
        f"{written:,} changes ({written / seconds:.0f} per second) and {readers.count:,} reads: "
        "none failed, none mixed two states"
    )


def served(service: Running) -> str:
    with service.client() as client:
        answer = client.get("/readyz").json()
    found: str = answer["release"]
    return found


def _publish(home: Path, seed: int) -> None:
    """Publish the model under another fingerprint; a fold may hold the lock at first."""
    command = [sys.executable, "-m", "tests.publisher", str(home), str(seed)]
    wait_until(
        lambda: subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0,
        SLOWEST,
    )


def test_memory_of_a_service_that_writes(copied_home, tally):
    """Many changes and folds leave no memory in use (at most 5 % growth)."""
    every = MANY // FOLDS
    # A share of so few images would fold them all the time.
    with running(copied_home, writable=True, fold_changes=every, fold_share=1) as service:
        writers = [_Replacing(number, every // REPLACING) for number in range(REPLACING)]
        _replace(service, writers, SETTLED)
        settled = service.resident_bytes()
        _replace(service, writers, MANY - SETTLED)
        grown = service.resident_bytes()
        folds = _folds(service)
    tally.count(MANY, MANY)
    tally.measured = (
        f"{settled / 1e6:.0f} MB after {SETTLED:,} changes, {grown / 1e6:.0f} MB after {MANY:,} "
        f"and {folds:.0f} folds ({grown / settled - 1:+.1%})"
    )
    assert folds >= FOLDS / 2
    assert grown <= settled * GROWTH


class _Replacing:
    """Client that replaces the pictures of so many images of its own, one after the other."""

    def __init__(self, number: int, images: int) -> None:
        self._number, self._images, self._sent = number, images, 0

    def write(self, client) -> None:
        self._sent += 1
        pictures = 2 * self._images - 1
        content = picture(self._number * pictures + self._sent % pictures)
        answer = client.put(
            f"/images/chaos/{self._number}-{self._sent % self._images}", content=content,
            params={"label": "lake"},
        )  # fmt: skip
        assert answer.is_success, answer.text


def _replace(service: Running, writers: list[_Replacing], count: int) -> None:
    def write(writer: _Replacing) -> None:
        with service.client() as client:
            for _ in range(count // len(writers)):
                writer.write(client)

    threads = [threading.Thread(target=write, args=(each,)) for each in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _folds(service: Running) -> float:
    with service.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith('belvedere_folds_total{outcome="published"}')
    )
