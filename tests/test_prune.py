"""`belvedere prune` deletes what the policy does not keep, and only that."""

import json
import shutil
from pathlib import Path

import pytest
from pydantic import JsonValue

from belvedere.cli import main
from conftest import MakeOnce
from embeddings.release.manifest import MANIFEST, Manifest
from embeddings.release.reader import current_release, read_manifest
from embeddings.release.reports import ExperimentReport
from embeddings.store.store import Store
from tests.tiny_release import TRAINING_VERSION, make_home
from training.experiments.config import BUILDER_VERSION
from training.runs import RunIndex


class Home:
    """Tiny home in which releases and runs are added without training."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capfd = capfd
        self.store = Store(str(folder / "store"))
        self.releases = folder / "releases"
        self.current = current_release(self.releases)

    def release(self, number: int, *, encoder: str = "e", training: str = TRAINING_VERSION) -> Path:
        """Add an older release: its manifest differs, its other files are those of the current."""
        revision = self.store.delete([f"lake/lake_{number:04d}"])
        manifest = read_manifest(self.current)
        sealed = manifest.model_copy(
            update={
                "data": manifest.data.model_copy(update={"revision": revision}),
                "encoder": manifest.encoder.model_copy(update={"fingerprint": encoder}),
                "training": manifest.training.model_copy(update={"version": training}),
            }
        ).sealed()
        folder = self.releases / sealed.folder
        shutil.copytree(self.current, folder)
        (folder / MANIFEST).write_text(sealed.model_dump_json(), encoding="utf-8")
        self.store.tag(sealed.tag, revision)
        return folder

    def run(
        self, key: str, version: str = TRAINING_VERSION, builder: int = BUILDER_VERSION
    ) -> Path:
        """Add a run of a dataset version, which is tagged."""
        if version not in self.store.tags():
            self.store.tag(version, self.store.delete([f"city/city_000{key}"]))
        report = ExperimentReport(
            name="baseline", family="own network", base=None, change="", status="done"
        )
        facts: dict[str, JsonValue] = {"version": version, "weights": {}, "builder": builder}
        return RunIndex(self.folder / "runs").save(key * 64, facts, report).folder

    def prune(self, *options: str, status: int = 0) -> str:
        self.capfd.readouterr()
        assert main(["prune", "--home", str(self.folder), *options]) == status
        output, errors = self.capfd.readouterr()
        return errors if status else output


@pytest.fixture
def home(made_once: MakeOnce, capfd: pytest.CaptureFixture[str]) -> Home:
    return Home(made_once("tiny-home", make_home), capfd)


def test_the_newest_releases_and_the_current_one_stay(home: Home) -> None:
    first, second, third = (home.release(number) for number in range(1, 4))
    shown = home.prune("--keep-releases", "1")
    assert f"{first}: " in shown
    assert f"{second}: " in shown
    assert [each.exists() for each in (home.current, first, second, third)] == [
        True, False, False, True,
    ]  # fmt: skip
    assert current_release(home.releases) == home.current
    kept = {read_manifest(each).tag for each in (home.current, third)}
    assert home.store.tags().keys() == kept | {TRAINING_VERSION}


def test_the_current_release_stays_if_no_other_is_kept(home: Home) -> None:
    newer = home.release(1)
    home.prune("--keep-releases", "0")
    assert home.current.exists()
    assert not newer.exists()


def test_runs_and_tags_of_old_training_versions_are_deleted(home: Home) -> None:
    home.release(1, training="training-old")
    old, newest = home.run("0", "training-old"), home.run("2", "training-newest")
    needed = home.run("1")
    home.prune()
    assert (needed.exists(), newest.exists(), old.exists()) == (True, True, True)
    home.run("3", "training-last")
    home.prune("--keep-releases", "0")
    assert (needed.exists(), newest.exists(), old.exists()) == (True, False, False)
    tags = set(home.store.tags())
    assert {TRAINING_VERSION, "training-last"} <= tags
    assert not {"training-old", "training-newest"} & tags


def test_runs_of_a_version_with_a_name_stay(home: Home) -> None:
    home.run("0", "training-paper")
    home.store.tag("paper", home.store.tags()["training-paper"])
    home.run("1", "training-last")
    home.prune()
    assert "training-paper" in home.store.tags()
    assert len(RunIndex(home.folder / "runs").folders) == 2


def test_runs_of_another_builder_or_format_are_deleted(home: Home) -> None:
    other = home.run("0", builder=BUILDER_VERSION - 1)
    foreign = home.run("1")
    record = json.loads((foreign / "report.json").read_text("utf-8"))
    (foreign / "report.json").write_text(json.dumps(record | {"format": 1}), encoding="utf-8")
    kept = home.run("2")
    shown = home.prune()
    assert [each.exists() for each in (other, foreign, kept)] == [False, False, True]
    assert "made by another version of Belvedere" in shown


def test_features_of_unused_encoders_are_deleted(home: Home) -> None:
    table = home.store.features(read_manifest(home.current).encoder.fingerprint)
    for encoder in ("kept", "unused"):
        shutil.copytree(table.path, home.store.features(encoder).path)
    home.release(1, encoder="kept")
    home.prune()
    assert {Path(each).stem for each in home.store.feature_paths()} == {table.encoder, "kept"}


def test_pixels_of_other_versions_are_deleted(home: Home) -> None:
    from training.data.dataset import open_dataset

    cache = home.folder / "cache"
    dataset = open_dataset(home.store.at(TRAINING_VERSION), cache, lambda steps, *_: steps, print)
    dataset.pixels((8, 12))
    kept = next(cache.iterdir())
    old = cache / "pixels-0123456789abcdef-8x12.npy"
    old.write_bytes(bytes(9))
    home.prune()
    assert list(cache.iterdir()) == [kept]


def test_a_release_stays_without_the_server_of_its_index(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = {"index": {"kind": "milvus", "exact": False, "recall": 1.0}}
    parameters = {"parameters": {"collection": "belvedere_old", "clusters": 0, "probes": 0}}
    old, other = home.release(1), home.release(2)
    described = read_manifest(old).model_dump(mode="json")
    described["index"] = server["index"] | parameters
    (old / MANIFEST).write_text(
        Manifest.model_validate_json(json.dumps(described)).sealed().model_dump_json()
    )
    monkeypatch.setenv("BELVEDERE_MILVUS_URI", "http://127.0.0.1:1")
    home.prune("--keep-releases", "0")
    assert old.exists()
    assert not other.exists()
    monkeypatch.delenv("BELVEDERE_MILVUS_URI")
    home.prune("--keep-releases", "0")
    assert not old.exists()


def test_a_dry_run_changes_nothing(home: Home) -> None:
    old = home.release(1)
    before = home.store.tags()
    shown = home.prune("--dry-run", "--keep-releases", "0")
    assert f"{old}: " in shown
    assert "Would free" in shown
    assert old.exists()
    assert home.store.tags() == before


def test_nothing_is_deleted_if_a_release_cannot_be_read(home: Home) -> None:
    damaged, old = home.release(1), home.release(2)
    (damaged / MANIFEST).write_bytes(b"")
    assert "no readable manifest" in home.prune("--keep-releases", "0", status=1)
    assert old.exists()


def test_tags_and_features_of_a_shared_store_stay(home: Home, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shutil.move(home.folder / "store", shared)
    home.store = Store(str(shared))
    old = home.release(1, encoder="unused")
    before = home.store.tags()
    shown = home.prune("--store", str(shared), "--keep-releases", "0")
    assert "other homes may use this store" in shown
    assert not old.exists()
    assert home.store.tags() == before
    tag = next(each for each in before if each.startswith("release-"))
    assert home.store.at(tag).images
    assert isinstance(read_manifest(home.current), Manifest)
