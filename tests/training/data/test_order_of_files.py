import io
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embeddings.progress import no_progress
from embeddings.store.store import Store
from tests.training.pictures import Take, class_folders, jpeg, picture
from training.data.files import DataFile, DataSource
from training.data.ingest import Policy, Report, ingest_source
from training.data.inspection import Options

Taken = tuple[list[tuple[object, ...]], list[bytes], tuple[object, ...]]


def data_file(path: str, content: bytes) -> DataFile:
    return DataFile(path, len(content), "", lambda: io.BytesIO(content))


@pytest.fixture(scope="module")
def files() -> list[DataFile]:
    """Three classes with a copy, a near-duplicate, two files of one id, and a conflict."""
    found = [
        data_file(f"{label}/{number}.jpg", jpeg(100 * place + number))
        for place, label in enumerate(("cat", "dog", "emu"))
        for number in range(12)
    ]
    buffer = io.BytesIO()
    picture(900).save(buffer, "PNG")
    return [
        *found,
        data_file("cat/copy.jpg", jpeg(3)),
        data_file("cat/0 again.jpg", jpeg(0, quality=60)),
        data_file("cat/7.png", buffer.getvalue()),
        data_file("dog/both.jpg", jpeg(901)),
        data_file("emu/both.jpg", jpeg(901)),
    ]


def taken(files: list[DataFile], folder: Path, lists: Path | None = None) -> Taken:
    """The images, their JPEG files and the outcomes of an ingest."""
    reports: list[Report] = []
    store = Store(str(folder))
    ingest_source(
        DataSource("set", lambda: tuple(files), lists),
        store,
        Options(),
        Policy(),
        seed=0,
        workers=2,
        track=no_progress,
        report=reports.append,
    )
    snapshot = store.at()
    images: list[tuple[object, ...]] = [
        (image.id, image.label, image.split, image.tuning, image.group, image.source_digest)
        for image in snapshot.images
    ]
    jpegs = list(snapshot.jpegs(snapshot.images.digests))
    return images, jpegs, tuple(reports[0].outcomes)


@pytest.fixture(scope="module")
def reference(files: list[DataFile], tmp_path_factory: pytest.TempPathFactory) -> Taken:
    return taken(files, tmp_path_factory.mktemp("reference"))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_files_has_no_effect(
    seed: int,
    files: list[DataFile],
    reference: Taken,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    shuffled = random.Random(seed).sample(files, len(files))
    assert taken(shuffled, tmp_path_factory.mktemp("shuffled")) == reference


def test_a_zip_in_any_order_gives_the_same_store_as_its_folder(tmp_path: Path, take: Take) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 24, "dog": 24})
    paths = sorted(folder.rglob("*.jpg"))
    random.Random(3).shuffle(paths)
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for path in paths:
            archive.write(path, path.relative_to(folder))
    images = take(folder).images
    from_zip = take(tmp_path / "pets.zip", home=tmp_path / "other").images
    assert from_zip.fingerprint == images.fingerprint
    assert from_zip.ids == sorted(from_zip.ids)


def test_the_fingerprint_covers_groups(tmp_path: Path, take: Take) -> None:
    """The same images with and without a group of two are different collections."""
    folder = class_folders(tmp_path / "pets", {"cat": 24, "dog": 24})
    lists = tmp_path / "licences"
    lists.mkdir()
    fingerprints = set()
    for owner in ("a", "b"):
        (lists / "cat_photos_info.json").write_text(
            f'{{"001.jpg": {{"owner_id": "a"}}, "002.jpg": {{"owner_id": "{owner}"}}}}'
        )
        images = take(folder, licenses=lists, home=tmp_path / owner).images
        fingerprints.add(images.fingerprint)
    assert len(fingerprints) == 2
