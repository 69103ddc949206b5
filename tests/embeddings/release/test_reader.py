"""Records, rows and files of a release that stay in Arrow memory."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.large_home import write_large_home
from embeddings.digests import file_digest
from embeddings.release.manifest import MANIFEST
from embeddings.release.reader import (
    IMAGES,
    Release,
    ReleaseError,
    current_release,
    open_release,
    write_images,
)
from embeddings.settings import IndexSettings
from embeddings.store.store import Store

_IMAGES = 100_000
_BYTES_PER_IMAGE = 300
"""Most memory that an open release takes for an image, besides files that are mapped."""


@pytest.fixture(scope="module")
def release(home: Path) -> Release:
    return open_release(current_release(home / "releases"))


def test_records_are_those_of_the_store_without_times_and_sources(
    home: Path, release: Release
) -> None:
    left_out = dict.fromkeys(("source", "path", "added", "changed", "deleted"))
    images = Store(str(home / "store")).at(release.manifest.data.revision).images
    expected = [each.model_copy(update=left_out) for each in images]
    assert [release.record(row) for row in range(len(release.images))] == expected
    assert list(release.images) == expected
    assert release.images.take(np.array([3, 1]))[1] == expected[1]


def test_ids_and_files_have_their_rows(release: Release) -> None:
    for row, image in enumerate(release.images):
        assert release.rows[image.id] == row
        assert release.row_of_file(image.digest) == row
    assert release.rows.get("missing") is None
    assert "missing" not in release.rows
    assert release.row_of_file("missing") == -1


def test_embeddings_are_not_copied(release: Release) -> None:
    for array in (release.embeddings, release.probabilities, release.points, release.graph.rows):
        assert not array.flags.owndata
        assert not array.flags.writeable


def test_ids_in_another_order_are_refused(release: Release, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    shutil.copytree(release.folder, folder)
    write_images(folder / IMAGES, release.images[::-1])
    files = {**release.manifest.files, IMAGES: file_digest(folder / IMAGES)}
    manifest = release.manifest.model_copy(update={"files": files}).sealed()
    (folder / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    with pytest.raises(ReleaseError, match="cannot read"):
        open_release(folder)


def test_every_damaged_file_is_found(release: Release, tmp_path: Path) -> None:
    for name in release.manifest.files:
        folder = tmp_path / name.replace("/", "-")
        shutil.copytree(release.folder, folder)
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(ReleaseError, match=f"{name} is missing or damaged"):
            open_release(folder)


_OPEN = """
import sys
from pathlib import Path
from service.memory import freeze_gc, tune_malloc
from service.serving.served_release import load_current_release
from service.settings import ServiceSettings
from tests.peak_memory import anonymous_bytes
tune_malloc()
served = load_current_release(ServiceSettings(home=Path(sys.argv[1])))
freeze_gc()
print(len(served.release.images), anonymous_bytes())
"""


def _opened(home: Path) -> tuple[int, int]:
    """Return the number of images and the anonymous memory of a process that opened a release."""
    ran = subprocess.run(
        [sys.executable, "-c", _OPEN, str(home)], capture_output=True, text=True, check=True
    )
    count, size = map(int, ran.stdout.split())
    return count, size


def test_an_open_release_takes_little_memory_for_each_image(
    home: Path, release: Release, tmp_path: Path
) -> None:
    large = write_large_home(tmp_path, release, Store(str(home / "store")), _IMAGES)
    large.publish(IndexSettings(index="flat"))
    (few, small), (many, size) = _opened(home), _opened(tmp_path)
    assert many == _IMAGES
    assert size - small < _BYTES_PER_IMAGE * (many - few)
