"""`belvedere verify` finds each kind of damage in a tiny home and says what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from belvedere.cli import main
from conftest import MakeOnce
from embeddings.encoded import Encoded
from embeddings.release.manifest import Manifest
from embeddings.release.reader import current_release, read_manifest
from embeddings.release.reports import ExperimentReport
from embeddings.store.records import Decision, FileEntry
from embeddings.store.selections import StoredSelection
from embeddings.store.store import Store
from tests.tiny_release import TRAINING_VERSION, make_home
from training.runs import RunIndex

Harm = Callable[[Path], object]


@pytest.fixture
def tiny(made_once: MakeOnce) -> Path:
    home = made_once("tiny-home", make_home)
    report = ExperimentReport(
        name="baseline", family="own network", base=None, change="", status="done"
    )
    runs = RunIndex(home / "runs")
    runs.save("0" * 64, {"version": TRAINING_VERSION, "weights": {}}, report)
    return home


def verify(home: Path, capfd: pytest.CaptureFixture[str], status: int) -> str:
    capfd.readouterr()
    assert main(["verify", "--home", str(home)]) == status
    return capfd.readouterr().out


def store(home: Path) -> Store:
    return Store(str(home / "store"))


def manifest(home: Path) -> Manifest:
    return read_manifest(current_release(home / "releases"))


def delete_rows(table: str, predicate: str) -> Harm:
    return lambda home: lance.dataset(home / f"store/{table}.lance").delete(predicate)


def change_column(table: str, values: dict[str, str]) -> Harm:
    return lambda home: lance.dataset(home / f"store/{table}.lance").update(values)


def double_image(home: Path) -> None:
    path = home / "store/images.lance"
    row = lance.dataset(path).to_table(limit=1)
    lance.write_dataset(row, path, mode="append")


def break_feature(home: Path) -> None:
    table = store(home).features(manifest(home).encoder.fingerprint)
    table.append(["a" * 64], Encoded(np.full((1, 16), np.nan), np.full((1, 7), 0.5)))


def remove_features(home: Path) -> None:
    shutil.rmtree(home / "store/features")


def untag(home: Path, tag: str) -> None:
    store(home).untag(tag)


def retag(home: Path) -> None:
    tag = manifest(home).tag
    store(home).untag(tag)
    store(home).tag(tag, store(home).delete(["lake/lake_0001"]))


def damage(pattern: str) -> Harm:
    return lambda home: next(home.glob(pattern)).write_bytes(b"x")


def name_unknown_image(home: Path) -> None:
    store(home).files.upsert([FileEntry("here", "a.jpg", 1, "1", "s", "d", "lake/x", "added")])


def take_back_unknown(home: Path) -> None:
    store(home).put([], [Decision("lake/lake_0001", "lake", "sea", "ada", "review", undoes="x")])


def select(home: Path, ids: tuple[str, ...] | None) -> None:
    now = store(home).now()
    store(home).selections.put(StoredSelection("mine", ids, None, "ada", now, now))


def write_foreign(home: Path) -> None:
    shutil.rmtree(home / "store/files.lance")
    lance.write_dataset(pa.table({"id": ["a"]}), home / "store/files.lance")


HARMS: dict[str, tuple[Harm, str]] = {
    "two rows": (double_image, "has more than one row for 'city/city_0000'; run `belvedere erase`"),
    "split": (change_column("images", {"split": "'test'"}), "have an impossible split"),
    "digest": (change_column("images", {"digest": f"'{'b' * 64}'"}), "are missing; run `belvedere"),
    "missing file": (
        delete_rows("blobs", "width = 240"),
        "The dataset version training-tiny needs the files of 'city/city_0000'",
    ),
    "other file": (change_column("blobs", {"jpeg": "X'00'"}), "differ from their digest; run"),
    "features": (break_feature, "are no finite numbers; delete the folder"),
    "no features": (remove_features, "lacks the features of 168 images of the release"),
    "ledger": (name_unknown_image, "that the store lacks: 'lake/x'; delete the folder"),
    "journal": (take_back_unknown, "takes back decisions that it lacks: 'x'; restore"),
    "selection": (
        lambda home: select(home, ("lake/lake_0001", "lake/x")),
        "The selection 'mine' names images that the store lacks: 'lake/x'; save it again",
    ),
    "empty selection": (lambda home: select(home, None), "'mine' is not readable; delete it"),
    "format": (write_foreign, "files.lance was written by an earlier version of Belvedere"),
    "release": (damage("releases/generated*/errors.json"), "errors.json is missing or damaged"),
    "pointer": (lambda home: (home / "releases/current").unlink(), "There is no release under"),
    "tag": (lambda home: untag(home, manifest(home).tag), "has lost its dataset version"),
    "moved tag": (retag, "has other images than its dataset version"),
    "run": (damage("runs/*/report.json"), "report.json is damaged; run `belvedere train`"),
    "version of a run": (
        lambda home: untag(home, TRAINING_VERSION),
        "training-tiny of the run baseline-000000000000 was deleted",
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_damage_is_a_sentence_with_the_remedy(
    tiny: Path, harm: str, capfd: pytest.CaptureFixture[str]
) -> None:
    break_it, sentence = HARMS[harm]
    break_it(tiny)
    shown = verify(tiny, capfd, 1)
    assert any(line.startswith("Problem: ") and sentence in line for line in shown.splitlines()), (
        shown
    )


def test_a_sound_home_is_counted(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store(tiny).delete(["lake/lake_0001"])
    select(tiny, ("lake/lake_0001",))
    (tiny / "runs" / ".draft-x").mkdir()
    shown = verify(tiny, capfd, 0)
    assert "images: 168 checked" in shown
    assert "releases: 1 checked" in shown
    assert "runs: 1 checked" in shown
    assert "selections: 1 checked" in shown
    assert "Drafts of killed processes: 1;" in shown
    assert "Problem" not in shown


def test_checks_are_printed_as_json(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    untag(tiny, TRAINING_VERSION)
    capfd.readouterr()
    assert main(["verify", "--json", "--home", str(tiny)]) == 1
    checks = json.loads(capfd.readouterr().out)
    assert {each["name"]: len(each["problems"]) for each in checks}["runs"] == 1


def test_a_home_without_a_store_has_no_problems(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "releases: 0 checked" in verify(tmp_path, capfd, 0)
