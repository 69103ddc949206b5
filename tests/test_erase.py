"""`belvedere erase` leaves no byte of an image in a home, and says what it removed."""

import io
import shutil
from pathlib import Path

import lance
import numpy as np
import pytest
from pydantic import JsonValue

from belvedere.cli import main
from conftest import MakeOnce
from embeddings.encoded import Encoded
from embeddings.release.reader import current_release, open_release, read_manifest
from embeddings.release.reports import ExperimentReport
from embeddings.store.records import Blob, Decision, FileEntry
from embeddings.store.selections import StoredSelection
from embeddings.store.store import Store
from tests.tiny_release import TRAINING_VERSION, make_home
from training.data.dataset import open_dataset
from training.runs import RunIndex

LAKE = "lake/lake_0001"
LATER = "lake/late_0001"
VALIDATION = "lake/lake_0020"
JPEG = b"JPEG of an image that was added later"


class Home:
    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capfd = capfd
        self.store = Store(str(folder / "store"))
        self.release = current_release(folder / "releases")

    def erase(self, *arguments: str, status: int = 0) -> str:
        self.capfd.readouterr()
        assert main(["erase", "--home", str(self.folder), *arguments]) == status
        output, errors = self.capfd.readouterr()
        return output + errors

    def verify(self) -> bool:
        return main(["verify", "--home", str(self.folder)]) == 0

    def files_with(self, content: bytes) -> list[Path]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return [path for path in files if content in path.read_bytes()]

    def embedding(self, identifier: str) -> bytes:
        images = self.store.at().all
        digest = images.digests[images.ids.index(identifier)]
        table = self.store.features(read_manifest(self.release).encoder.fingerprint)
        _, encoded = table.read([digest])
        return bytes(encoded.embeddings[0].tobytes())

    def jpeg(self, identifier: str) -> bytes:
        images = self.store.at().all
        return self.store.at().jpeg(images.digests[images.ids.index(identifier)])

    def add_later(self) -> None:
        """Add an image that no release has, with everything that the store can know about it."""
        template = next(each for each in self.store.at().images if each.id == LAKE)
        digest, source = "f" * 64, "e" * 64
        self.store.blobs.append([Blob(digest, JPEG, 4, 3, bytes(816))])
        later = {"id": LATER, "digest": digest, "source_digest": source, "path": "new/late.jpg"}
        decision = Decision(LATER, "lake", "ocean", "ada", "review")
        self.store.put([template.model_copy(update=later | {"label": "ocean"})], [decision])
        features = self.store.features(read_manifest(self.release).encoder.fingerprint)
        value = np.float32(0.123456)
        features.append([digest], Encoded(np.full((1, 16), value), np.full((1, 7), value)))
        entry = FileEntry("here", "new/late.jpg", 9, "1", source, digest, LATER, "added")
        copy = FileEntry("here", "b.jpg", 9, "1", "d", None, None, "rejected", f"copy of {LATER}")
        self.store.files.upsert([entry, copy])
        (self.folder / "outcomes.csv").write_text("new/late.jpg,added\n", encoding="utf-8")
        (self.folder / "left_out.txt").write_text("other.jpg: empty\n", encoding="utf-8")


@pytest.fixture
def home(made_once: MakeOnce, capfd: pytest.CaptureFixture[str]) -> Home:
    return Home(made_once("tiny-home", make_home), capfd)


def test_selections_lose_an_erased_image_and_keep_the_others(home: Home) -> None:
    now = home.store.now()
    selections = home.store.selections
    fixed = StoredSelection("mine", (LATER, LAKE), None, "ada", now, now)
    live = StoredSelection("lakes", None, {"label": ["lake"]}, "ada", now, now)
    home.add_later()
    for each in (fixed, live, fixed._replace(name="only", ids=(LATER,))):
        selections.put(each)
    assert home.files_with(LATER.encode())
    home.erase(LATER, "--yes")
    assert home.files_with(LATER.encode()) == []
    found = selections.read()
    assert found == {
        "lakes": live,
        "mine": fixed._replace(ids=(LAKE,)),
        "only": fixed._replace(name="only", ids=()),
    }
    assert home.verify()


def test_no_byte_of_a_published_image_stays(home: Home) -> None:
    dataset = open_dataset(home.store.at(), home.folder / "cache", lambda steps, *_: steps, print)
    row = dataset.images.ids.index(LAKE)
    pixels = dataset.pixels((8, 12))[row].tobytes()
    known = [LAKE.encode(), home.jpeg(LAKE), home.embedding(LAKE), pixels]
    assert all(home.files_with(content) for content in known)
    home.store.delete([LAKE])
    shown = home.erase(LAKE, "--yes")
    assert [home.files_with(content) for content in known] == [[], [], [], []]
    assert f"Release to be deleted: {home.release.name}" in shown
    assert f"Dataset version to be dropped: {TRAINING_VERSION}" in shown
    assert "`belvedere up` publishes one without the images" in shown
    assert not home.release.exists()
    assert home.store.tags() == {}
    assert len(home.store.at().images) == 167
    assert home.verify()


def test_no_byte_of_a_later_image_stays_and_releases_without_it_do(home: Home) -> None:
    home.add_later()
    home.store.tag("with-late")
    home.store.delete([LATER])
    known = [LATER.encode(), JPEG, home.embedding(LATER), b"late.jpg"]
    assert all(home.files_with(content) for content in known)
    before = home.store.tags()
    shown = home.erase(LATER, "--yes")
    assert [home.files_with(content) for content in known] == [[], [], [], []]
    assert "Erased: 1 images, 1 files, 1 rows of features, 1 label decisions and 2 " in shown
    assert "would add them again" in shown
    assert before.keys() - home.store.tags().keys() == {"with-late"}
    assert home.store.at(TRAINING_VERSION).revision == before[TRAINING_VERSION]
    assert open_release(home.release).images.ids
    assert (home.folder / "left_out.txt").exists()
    assert home.verify()


def test_the_files_of_past_versions_of_an_image_are_erased(home: Home) -> None:
    home.add_later()
    (image,) = (each for each in home.store.at().images if each.id == LATER)
    home.store.blobs.append([Blob("c" * 64, b"the newer JPEG of it", 4, 3, bytes(816))])
    home.store.put([image.model_copy(update={"digest": "c" * 64})])
    home.erase(LATER, "--yes")
    assert not home.files_with(JPEG)
    assert not home.files_with(b"the newer JPEG of it")


def test_a_file_that_another_image_has_stays(home: Home) -> None:
    (image,) = (each for each in home.store.at().images if each.id == LAKE)
    home.store.put([image.model_copy(update={"id": LATER})])
    assert "0 files, 0 rows of features" in home.erase(LATER, "--yes")
    assert home.jpeg(LAKE)


def test_nothing_is_erased_without_consent(home: Home) -> None:
    tags = home.store.tags()
    shown = home.erase(LAKE, status=1)
    assert f"Release to be deleted: {home.release.name}" in shown
    assert "add --yes" in shown
    assert home.jpeg(LAKE)
    assert home.store.tags() == tags
    assert home.verify()


def test_an_unknown_id_erases_nothing(home: Home) -> None:
    assert "'lake/x' is no image of a release" in home.erase(LAKE, "lake/x", "--yes", status=1)
    assert home.release.exists()


def test_runs_and_models_that_learned_from_an_image_are_named(home: Home) -> None:
    report = ExperimentReport(
        name="baseline", family="own network", base=None, change="", status="done"
    )
    facts: dict[str, JsonValue] = {"version": TRAINING_VERSION, "weights": {}}
    run = RunIndex(home.folder / "runs").save("0" * 64, facts, report).folder
    shown = home.erase(LAKE, status=1)
    assert f"Cannot be made again without its dataset version: run {run.name}" in shown
    assert f"Learned from the images, and stays: run {run.name}" in shown
    shown = home.erase(VALIDATION, status=1)
    assert "Cannot be made again" in shown
    assert "Learned from" not in shown


@pytest.mark.parametrize("step", ["tables", "images"])
def test_a_second_call_finishes_what_a_kill_interrupted(home: Home, step: str) -> None:
    known = [LAKE.encode(), home.jpeg(LAKE), home.embedding(LAKE)]
    (features,) = home.store.feature_paths()
    if step == "tables":
        home.store.untag(TRAINING_VERSION)
        shutil.rmtree(home.release)
        lance.dataset(features).delete("true")
    else:
        lance.dataset(home.store.images.path).delete(f"id = '{LAKE}'")
    home.erase(LAKE, "--yes")
    assert [home.files_with(content) for content in known] == [[], [], []]


def test_ids_are_read_from_standard_input(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{LAKE}\n".encode())))
    home.erase("-", "--yes")
    assert LAKE not in home.store.at().all.ids


def test_each_home_of_a_shared_store_erases_its_own_releases(home: Home, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shutil.move(home.folder / "store", shared)
    other = tmp_path / "other"
    shutil.copytree(home.folder, other, symlinks=True)
    assert "Other homes with this store" in home.erase("--store", str(shared), LAKE, "--yes")
    home.folder = other
    assert home.files_with(LAKE.encode())
    home.erase("--store", str(shared), LAKE, "--yes")
    assert not home.files_with(LAKE.encode())
