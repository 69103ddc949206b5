"""Writers that are killed, and writers on a full disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from embeddings.ingest.changes import Put
from embeddings.store.store import Store
from tests.embeddings.ingest.prepared import ENCODER, OpenWriter, prepared


def _acknowledged_until_killed(folder: Path, first: int, count: int) -> list[int]:
    """Return the acknowledged images of a process that is killed after some of them."""
    command = [sys.executable, "-m", "tests.embeddings.ingest.writing", str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    return [int(line) for line in lines if line.endswith("\n")]


def test_a_killed_writer_loses_nothing_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    folder, random = tmp_path / "store", Random(4)
    acknowledged: set[int] = set()
    for _ in range(4):
        first = max(acknowledged, default=-1) + 1
        acknowledged |= {*_acknowledged_until_killed(folder, first, random.randrange(1, 9))}
        assert acknowledged <= {*map(_number, Store(str(folder)).at().images.ids)}
    with OpenWriter(folder) as it:
        for scene in range(max(acknowledged) + 6):
            written = it.write(Put(f"lake/{scene}", "lake", prepared(scene), "ada"))
            assert written.outcome == ("unchanged" if scene in acknowledged else written.outcome)
            assert written.outcome in ("unchanged", "added")
        store = it.store
    ids = store.at().all.ids
    for values in (
        ids,
        store.blobs.open().digests.to_pylist(),
        store.features(ENCODER).digests(),
        sorted(store.labels.keys()),
    ):
        assert len(values) == len({*values}) == len(ids)
    assert not [check for check in store.verify() if check.problems]


def _number(identifier: str) -> int:
    return int(identifier.removeprefix("lake/"))


_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from embeddings.ingest.changes import Put
from embeddings.store.tables import StoreFull
from tests.embeddings.ingest.prepared import OpenWriter, prepared

with OpenWriter(Path(sys.argv[1])) as it:
    put = [Put(f"lake/{scene}", "lake", prepared(scene), "ada") for scene in range(3)]
    first = it.write(put[0])
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for most in (100, 2_000, 5_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        for change in put[1:]:
            try:
                it.write(change)
            except StoreFull as error:
                assert "is full; free some space" in str(error)
            else:
                raise AssertionError(f"{change.id} was written with files of {most} bytes")
        assert it.write(put[0]).outcome == "unchanged"
        assert it.store.at().images.ids == ["lake/0"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert [it.write(change).outcome for change in put] == ["unchanged", "added", "added"]
    blobs = it.store.blobs.open().digests.to_pylist()
    assert len(blobs) == len(set(blobs)) == 3
    assert not [check for check in it.store.verify() if check.problems]
"""


def test_a_full_disk_fails_the_writes_of_that_time_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path / "store")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
