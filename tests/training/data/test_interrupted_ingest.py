"""An ingest that is killed continues: nothing is lost, doubled or read twice."""

import random
import subprocess
import sys
import time
from pathlib import Path

from embeddings.progress import no_progress
from embeddings.store.store import Store
from tests.training.pictures import class_folders
from training.data.files import DataSource
from training.data.folder_files import list_folder
from training.data.ingest import Policy, Report, ingest_source
from training.data.inspection import Options

ROOT = Path(__file__).parents[3]

INGEST = """
import sys
from pathlib import Path
from embeddings.progress import no_progress
from embeddings.store.store import Store
from embeddings.ingest import places
from training.data import inspection
from training.data.files import DataSource
from training.data.folder_files import list_folder
from training.data.ingest import Policy, ingest_source
from training.data.inspection import Options
inspection._CHECKPOINT_FILES = 20
folder, store = Path(sys.argv[1]), Store(sys.argv[2])
print("ready", flush=True)
ingest_source(
    DataSource("pets", lambda: list_folder(folder)), store, Options(), Policy(),
    seed=0, workers=2, track=no_progress, report=lambda report: None,
)
"""


def ingested(folder: Path, store: Store) -> Report:
    reports: list[Report] = []
    ingest_source(
        DataSource("pets", lambda: list_folder(folder)),
        store,
        Options(),
        Policy(),
        seed=0,
        workers=2,
        track=no_progress,
        report=reports.append,
    )
    return reports[0]


def kill_after(folder: Path, store: Path, seconds: float) -> int:
    """Start an ingest, kill it, and return its exit status."""
    command = [sys.executable, "-c", INGEST, str(folder), str(store)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.kill()
    return process.returncode


def test_a_killed_ingest_continues(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 100, "dog": 100})
    reference = Store(str(tmp_path / "reference"))
    started = time.monotonic()
    ingested(folder, reference)
    whole = time.monotonic() - started
    store = Store(str(tmp_path / "store"))
    draw = random.Random(0)
    known = 0
    for _ in range(6):
        kill_after(folder, tmp_path / "store", draw.uniform(0, whole))
        if store.exists:
            entries = store.files.read("pets")
            assert len(entries) >= known
            known = len(entries)
            assert {entry.digest for entry in entries.values() if entry.digest} <= (
                store.blobs.known()
            )
    report = ingested(folder, store)
    assert {each.outcome for each in report.outcomes} <= {"added", "unchanged"}
    digests = store.blobs.open().digests.to_pylist()
    assert len(digests) == len(set(digests)) == 200
    assert store.at().images.fingerprint == reference.at().images.fingerprint
    assert {each.outcome for each in ingested(folder, store).outcomes} == {"unchanged"}
