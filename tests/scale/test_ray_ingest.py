"""Ingest on a Ray cluster: the same images, files and outcomes as those of a local ingest."""

import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import ExifTags, Image

from embeddings.progress import Track, no_progress
from embeddings.ray_cluster import Cluster, connect
from embeddings.store.records import FileEntry
from embeddings.store.store import Store
from tests.scale.servers import RayCluster
from tests.scale.test_ray_embedding import kill_workers
from tests.training.pictures import class_folders, jpeg, picture
from training.data.files import DataSource
from training.data.folder_files import list_folder
from training.data.ingest import FileOutcome, Policy, Report, ingest_source
from training.data.inspection import Options
from training.data.zip_files import open_zip

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.reading._BATCH_FILES", 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return class folders with copies, other formats, attributes and unusable files."""
    folder = class_folders(tmp_path_factory.mktemp("pets") / "pets", {"cat": 30, "dog": 30})
    picture(900).save(folder / "cat" / "picture.png")
    picture(901, 3000, 2000).save(folder / "dog" / "large.jpg")
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Camera"
    exif[ExifTags.Base.Orientation] = 6
    picture(902).save(folder / "dog" / "turned.jpg", exif=exif)
    files = {
        "cat/copy.jpg": jpeg(3),
        "cat/again.jpg": jpeg(0, quality=60),
        "cat/both.jpg": jpeg(903),
        "dog/both.jpg": jpeg(903),
        "dog/broken.jpg": jpeg(904)[:300],
        "dog/empty.jpg": b"",
        "dog/text.jpg": b"no image",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "dog" / "gone.jpg").symlink_to("nowhere.jpg")
    return folder


def ingested(
    store: Store,
    source: DataSource,
    cluster: Cluster | None,
    track: Track = no_progress,
) -> Report:
    reports: list[Report] = []
    ingest_source(
        source,
        store,
        Options(),
        Policy(),
        seed=0,
        workers=2,
        track=track,
        report=reports.append,
        cluster=cluster,
    )
    return reports[0]


def contents(store: Store, report: Report) -> tuple[object, ...]:
    """Return all that an ingest wrote and reported, without times."""
    table = store.at().all.table.drop_columns(["added", "changed"])
    files: dict[str, FileEntry] = store.files.read("pets")
    digests = sorted(store.blobs.open().digests.to_pylist())
    sizes = store.blobs.sizes(digests).tolist()
    thumbnails = store.blobs.thumbnails(digests).tobytes()
    outcomes: list[FileOutcome] = [*report.outcomes]
    jpegs = list(store.blobs.jpegs(digests))
    return table.to_pylist(), files, digests, sizes, thumbnails, jpegs, outcomes


def source_of(folder: Path) -> DataSource:
    return DataSource("pets", lambda: list_folder(folder))


def test_an_ingest_on_a_cluster_is_congruent_with_a_local_one(
    folder: Path, cluster: RayCluster, tmp_path: Path
) -> None:
    local, distributed = Store(str(tmp_path / "local")), Store(str(tmp_path / "cluster"))
    expected = contents(local, ingested(local, source_of(folder), None))
    with connect(cluster.address, print) as connected:
        found = contents(distributed, ingested(distributed, source_of(folder), connected))
        again = ingested(distributed, source_of(folder), connected)
    assert found == expected
    settled = {"unchanged", "duplicate_of", "rejected", "conflict"}
    assert {each.outcome for each in again.outcomes} == settled


def test_a_zip_is_read_by_the_driver(cluster: RayCluster, folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "pets.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.glob("*/*.jpg")):
            if path.exists():
                archive.write(path, path.relative_to(folder))
    results = []
    with connect(cluster.address, print) as connected:
        for name, computed_on in (("local", None), ("cluster", connected)):
            store = Store(str(tmp_path / name))
            with open_zip(packed) as files:
                source = DataSource("pets", partial(tuple, files))
                results.append(contents(store, ingested(store, source, computed_on)))
    assert results[0] == results[1]


def test_killed_workers_change_nothing(cluster: RayCluster, folder: Path, tmp_path: Path) -> None:
    def killing(steps: Iterable[T], description: str, total: int) -> Iterator[T]:
        running = iter(steps)
        yield from islice(running, 10)
        assert kill_workers(cluster) > 0
        yield from running

    local, distributed = Store(str(tmp_path / "local")), Store(str(tmp_path / "cluster"))
    expected = contents(local, ingested(local, source_of(folder), None))
    with connect(cluster.address, print) as connected:
        report = ingested(distributed, source_of(folder), connected, killing)
    assert contents(distributed, report) == expected
