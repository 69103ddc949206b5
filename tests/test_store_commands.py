"""Commands on the feature store of a tiny home, in this process."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from belvedere.cli import main
from conftest import MakeOnce
from embeddings.lock import SERVICE, home_lock, store_lock
from embeddings.store.store import Store
from tests.tiny_release import make_home

ROOT = Path(__file__).parent.parent
LAKES = ["lake/lake_0001", "lake/lake_0002", "lake/lake_0003"]

Run = Callable[..., str]


@pytest.fixture
def tiny(made_once: MakeOnce) -> Path:
    """Return a home of its own for each test."""
    return made_once("tiny-home", make_home)


@pytest.fixture
def run(tiny: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command and returns its output; errors for a status above 0."""

    def run(command: str, *arguments: str, status: int = 0) -> str:
        capfd.readouterr()
        assert main([command, "--home", str(tiny), *arguments]) == status
        output, errors = capfd.readouterr()
        if status:
            assert len(errors.splitlines()) <= 1
        return errors or output if status else output

    return run


@pytest.fixture
def store(tiny: Path) -> Store:
    return Store(str(tiny / "store"))


def test_deleting_and_restoring_count_the_changed_images(run: Run, store: Store) -> None:
    assert run("delete", *LAKES).startswith("Deleted: 3 images; revision 3.")
    assert not set(LAKES) & set(store.at().images.ids)
    again = run("delete", *LAKES[:2], "lake/lake_0004")
    assert "Deleted: 1 image; 2 were deleted already" in again
    assert run("restore", LAKES[0]).startswith("Restored: 1 image")
    assert LAKES[0] in store.at().images.ids
    assert "0 images; 1 were not deleted already" in run("restore", LAKES[0])


def test_ids_are_read_from_standard_input(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = io.TextIOWrapper(io.BytesIO("\n".join([*LAKES, "", LAKES[0]]).encode()))
    monkeypatch.setattr(sys, "stdin", lines)
    assert "3 images" in run("delete", "-")
    assert store.at().deleted.ids == LAKES


def test_an_unknown_id_changes_nothing(run: Run, store: Store) -> None:
    assert "no image 'lake/x'" in run("delete", LAKES[0], "lake/x", status=1)
    assert store.at().revision == 2


def test_relabelling_is_recorded_with_the_user(
    run: Run, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    before = dict(zip(store.at().images.ids, store.at().images.splits, strict=True))
    assert "Relabelled: 2 images" in run("relabel", "ocean", *LAKES[:2], "ocean/ocean_0001")
    images = store.at().images
    labels = dict(zip(images.ids, images.labels, strict=True))
    assert [labels[each] for each in LAKES] == ["ocean", "ocean", "lake"]
    assert dict(zip(images.ids, images.splits, strict=True)) == before
    (recorded,) = store.labels.of(LAKES[0])
    decision = recorded.decision
    assert (decision.before, decision.after, decision.by) == ("lake", "ocean", "ada")
    assert decision.why == "review"
    assert store.labels.of("ocean/ocean_0001") == ()


def test_an_image_without_a_label_gets_a_side_with_its_label(run: Run, store: Store) -> None:
    (known,) = (each for each in store.at().images if each.id == "city/city_0020")
    assert known.split == "validation"
    known = known.model_copy(update={"photographer_id": "bob"})
    unlabelled = {"label": None, "split": "pool", "pool_reason": "no label"}
    same = known.model_copy(update={**unlabelled, "id": "new/bob", "group": 900})
    other = same.model_copy(update={"id": "new/ada", "group": 901, "photographer_id": "ada"})
    store.put([known, same, other])
    run("relabel", "city", "new/bob", "new/ada")
    placed = {each.id: each for each in store.at().images}
    assert placed["new/bob"].split == "validation"
    assert placed["new/bob"].group == known.group
    assert placed["new/ada"].split == "train"
    assert placed["new/bob"].pool_reason is placed["new/ada"].pool_reason is None


def test_a_label_that_was_removed_comes_back_with_its_side(run: Run, store: Store) -> None:
    (known,) = (each for each in store.at().images if each.id == "city/city_0020")
    removed = {"label": None, "split": "pool", "pool_reason": "no label, before in validation"}
    store.put([known.model_copy(update=removed)])
    run("relabel", "lake", known.id)
    (again,) = (each for each in store.at().images if each.id == known.id)
    assert (again.label, again.split, again.pool_reason) == ("lake", "validation", None)


@pytest.mark.parametrize("label", ["", " lake", "a/b", "a\nb", ".."])
def test_an_unusable_label_changes_nothing(run: Run, store: Store, label: str) -> None:
    assert "cannot be a label" in run("relabel", label, LAKES[0], status=1)
    assert store.at().revision == 2


def test_a_misspelt_class_is_refused_unless_it_is_new(run: Run, store: Store) -> None:
    refused = run("relabel", "ocaen", LAKES[0], status=1)
    assert "There is no class 'ocaen' (the nearest is 'ocean')" in refused
    assert "--new-class" in refused
    assert store.at().revision == 2
    assert "Relabelled: 1 image;" in run("relabel", "--new-class", "pond", LAKES[0])
    assert "Relabelled: 1 image;" in run("relabel", "pond", LAKES[1])


def test_a_class_of_the_release_is_known_without_an_image(run: Run, store: Store) -> None:
    for image in list(store.at().images):
        if image.label == "city":
            run("delete", image.id)
    assert "city" not in store.at().images.classes
    assert "Relabelled: 1 image;" in run("relabel", "city", LAKES[0])


def test_a_deleted_image_is_not_relabelled(run: Run) -> None:
    run("delete", LAKES[0])
    assert "`belvedere restore`" in run("relabel", "ocean", LAKES[0], status=1)


def test_versions_lists_tags_and_changes_of_classes(run: Run) -> None:
    run("delete", *LAKES)
    run("tag", "cleaned")
    shown = run("versions")
    assert "training-tiny" in shown
    assert "lake -3" in shown
    first, second = json.loads(run("versions", "--json"))
    assert (first["images"], second["images"]) == (168, 165)
    assert second["tags"] == ["cleaned"]


def test_a_difference_counts_each_class(run: Run) -> None:
    run("tag", "before")
    run("delete", *LAKES)
    run("relabel", "ocean", "lake/lake_0004")
    found = json.loads(run("diff", "before", "4", "--json"))
    assert found["removed"] == LAKES
    assert found["relabelled"] == [{"id": "lake/lake_0004", "before": "lake", "after": "ocean"}]
    assert {
        label: (each["added"], each["removed"]) for label, each in found["by_class"].items()
    } == {
        "lake": (0, 4),
        "ocean": (1, 0),
    }
    shown = run("diff", "before", "4")
    assert "lake/lake_0004: lake → ocean" in shown
    assert "no dataset version 'none'" in run("diff", "before", "none", status=1)


def test_a_name_stays_with_its_version(run: Run, store: Store) -> None:
    run("tag", "spring", "--version", "2")
    run("delete", LAKES[0])
    assert "is the name of revision 2" in run("tag", "spring", status=1)
    run("tag", "--delete", "spring")
    run("tag", "spring")
    assert store.tags()["spring"] == 3
    assert "no dataset version 'autumn'" in run("tag", "--delete", "autumn", status=1)


@pytest.mark.parametrize("name", ["training-tiny", "release-x", "12", "a b", "-a", "a..b", "a/b"])
def test_reserved_and_unusable_names_are_refused(run: Run, store: Store, name: str) -> None:
    before = store.tags()
    assert "cannot be" in run("tag", "--delete", "--", name, status=1)
    assert "cannot be" in run("tag", "--", name, status=1)
    assert store.tags() == before


@pytest.mark.parametrize(
    "arguments", [["delete", LAKES[0]], ["restore", LAKES[0]], ["relabel", "x", LAKES[0]],
    ["tag", "x"]],
)  # fmt: skip
def test_a_home_that_is_written_is_not_changed(
    run: Run, tiny: Path, store: Store, arguments: list[str]
) -> None:
    with home_lock(tiny, "belvedere train"):
        assert "is locked by `belvedere train`" in run(*arguments, status=1)
    assert store.at().revision == 2


@pytest.mark.parametrize(
    "arguments", [["delete", LAKES[0]], ["restore", LAKES[0]], ["relabel", "x", LAKES[0]],
    ["add", "x"], ["prune"], ["erase", LAKES[0]], ["verify"]],
)  # fmt: skip
def test_a_store_that_a_service_writes_is_not_changed(
    run: Run, store: Store, arguments: list[str]
) -> None:
    with store_lock(store.uri, SERVICE):
        refused = run(*arguments, status=1)
        assert "is locked by `belvedere serve`" in refused
        assert "stop it first" in refused
    assert store.at().revision == 2


def test_a_dataset_version_is_named_while_a_service_writes(run: Run, store: Store) -> None:
    with store_lock(store.uri, SERVICE):
        run("tag", "spring")
    assert store.tags()["spring"] == 2


def test_no_command_on_the_store_loads_tensorflow(tiny: Path) -> None:
    code = (
        "import sys\nfrom belvedere.cli import main\n"
        f"main(['relabel', '--home', {str(tiny)!r}, 'ocean', {LAKES[0]!r}])\n"
        f"main(['diff', '--home', {str(tiny)!r}, '2', '3'])\n"
        "sys.exit(bool({'tensorflow', 'keras', 'sklearn'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
