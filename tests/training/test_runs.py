"""Runs and caches are valid for the images, weights and settings that they were computed from."""

import io
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from rich.console import Console

from conftest import MakeOnce
from embeddings.lock import SERVICE, store_lock
from embeddings.release.reader import current_release, open_release
from embeddings.release.reports import Cost, ExperimentReport, Status
from embeddings.store.records import Images
from tests.training.backbones import SIZE, write_backbone
from tests.training.pictures import class_folders, jpeg
from training.console import Display
from training.data.download import PublishedArchive
from training.errors import DataError
from training.evaluation.comparison import compare, is_newest, is_published, warn_of_unused_runs
from training.experiments.config import (
    Combination,
    FineTuning,
    FrozenTransfer,
    Preset,
    experiment_key,
)
from training.experiments.from_scratch import BASELINE
from training.experiments.planner import Trial
from training.export import export, publish_best
from training.republishing import publish_again
from training.runner import out_of_fold_predictions, train
from training.runs import DamagedRun, Run, RunIndex
from training.settings import TrainingSettings
from training.workspace import Workspace, ingest

OWN = replace(BASELINE, input=SIZE)
FROZEN = FrozenTransfer(
    "mine-frozen", "A head on features", backbone="mine", input=SIZE, views=1, hidden=8, epochs=2
)
PRESET = Preset("small", 1, (OWN, FROZEN))


@dataclass(frozen=True)
class Home:
    """Home of one test, with its data set and weights."""

    folder: Path
    screen: io.StringIO

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def weights(self) -> Path:
        return self.folder / "weights"

    def workspace(self, *, preset: Preset = PRESET, data: Path | None = None) -> Workspace:
        """Return the workspace of another command."""
        settings = TrainingSettings(
            home=self.folder / "home", data=str(data or self.data), weights=self.weights
        )
        return Workspace(settings, preset, Display(Console(file=self.screen, width=1000)))

    def printed(self) -> str:
        """Return the lines printed since the last call."""
        text = self.screen.getvalue()
        self.screen.seek(0)
        self.screen.truncate()
        return text


@pytest.fixture(scope="module")
def trained_home(made_once: MakeOnce) -> Path:
    def make(folder: Path) -> None:
        class_folders(folder / "data" / "train", {"cat": 26, "dog": 26})
        for label in ("cat", "dog"):
            aside = folder / "data" / "test" / label
            aside.mkdir(parents=True)
            for path in sorted((folder / "data" / "train" / label).iterdir())[20:]:
                path.rename(aside / path.name)
        write_backbone(folder / "weights")
        workspace = Home(folder, io.StringIO()).workspace()
        ingest(workspace, PublishedArchive())
        train(workspace)
        publish_best(workspace)

    return made_once("small-home", make)


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Home:
    folder = Path(shutil.copytree(trained_home, tmp_path / "small", symlinks=True))
    return Home(folder, io.StringIO())


def states(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def run_of(workspace: Workspace, number: int) -> Run:
    experiment = workspace.preset.experiments[number]
    assert not isinstance(experiment, Combination)
    run = workspace.run(Trial(experiment))
    assert run is not None
    return run


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def test_the_same_images_packed_in_another_order_train_nothing_again(home: Home) -> None:
    before = states(home.folder / "home" / "runs")
    release = open_release(current_release(home.workspace().settings.releases_folder))
    files = sorted(home.data.rglob("*.jpg"))
    random.Random(3).shuffle(files)
    with ZipFile(home.folder / "data.zip", "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(home.data))
    packed = home.workspace(data=home.folder / "data.zip")
    ingest(packed, PublishedArchive())
    train(packed)
    assert states(home.folder / "home" / "runs") == before
    publish_best(packed)
    again = open_release(current_release(packed.settings.releases_folder))
    assert again.images == release.images
    assert np.array_equal(again.probabilities, release.probabilities)
    assert np.array_equal(again.embeddings, release.embeddings)


def test_a_command_reads_each_report_once_and_compares_once(home: Home) -> None:
    workspace = home.workspace()
    comparison = compare(workspace)
    run = run_of(workspace, 0)
    for folder in workspace.settings.runs.iterdir():
        (folder / "report.json").unlink()
        (folder / "predictions.npz").unlink()
    assert run_of(workspace, 0) == run
    assert compare(workspace) == comparison
    assert compare(workspace.with_preset(PRESET)) == comparison
    with pytest.raises(DamagedRun):
        compare(home.workspace())


def test_a_command_compares_again_when_a_result_has_changed(home: Home) -> None:
    workspace = home.workspace()
    before = compare(workspace).experiments[0]
    cost = Cost(latency_ms=1.5, images_per_second=900.0)
    run_of(workspace, 0).write_cost(cost)
    assert compare(workspace).experiments[0] == before.model_copy(update={"cost": cost})
    reworded = replace(OWN, change="A network.")
    preset = replace(PRESET, experiments=(reworded, FROZEN))
    assert compare(workspace.with_preset(preset)).experiments[0].change == "A network."


def test_a_saved_run_replaces_the_one_that_was_skipped(tmp_path: Path) -> None:
    def report(status: Status, name: str) -> ExperimentReport:
        return ExperimentReport(name=name, family="", base=None, change="", status=status)

    key = "0123456789abcdef"
    index = RunIndex(tmp_path)
    assert index.find(key) is None
    for status, name in (("skipped", "first"), ("done", "first"), ("done", "second")):
        saved = index.save(key, {"seed": 0}, report(status, name))  # type: ignore[arg-type]
        assert index.find(key) == saved
        assert RunIndex(tmp_path).find(key) == saved
        assert [each.name for each in tmp_path.iterdir()] == [f"{name}-0123456789ab"]
    assert index.unused(lambda facts: False) == [tmp_path / "second-0123456789ab"]


def test_names_and_descriptions_do_not_affect_a_run(home: Home) -> None:
    before = states(home.folder / "home" / "runs")
    renamed = replace(FROZEN, name="head", change="A small head.", base="baseline")
    workspace = home.workspace(preset=replace(PRESET, experiments=(OWN, renamed)))
    train(workspace)
    assert states(home.folder / "home" / "runs") == before
    report = compare(workspace).experiments[1]
    assert (report.name, report.change, report.base) == ("head", "A small head.", "baseline")


def test_the_key_depends_on_a_teachers_hyper_parameters_and_not_on_its_description() -> None:
    pupil = FineTuning("pupil", "", teachers=(FROZEN,))
    reworded = replace(pupil, teachers=(replace(FROZEN, name="other", change="Said better."),))
    retrained = replace(pupil, teachers=(replace(FROZEN, hidden=9),))
    assert experiment_key(pupil, {}) == experiment_key(reworded, {})
    assert experiment_key(pupil, {}) != experiment_key(retrained, {})


def test_replaced_weights_cause_a_new_run(home: Home) -> None:
    workspace = home.workspace()
    own, frozen = run_of(workspace, 0), run_of(workspace, 1)
    predicted = frozen.predictions.validation
    caches = set((home.folder / "home" / "cache").glob("mine-*"))
    assert is_published(workspace)
    write_backbone(home.weights, seed=2)
    assert not is_published(workspace)
    train(workspace)
    assert run_of(workspace, 0) == own
    again = run_of(workspace, 1)
    assert again.folder != frozen.folder
    assert not np.array_equal(again.predictions.validation, predicted)
    new = set((home.folder / "home" / "cache").glob("mine-*"))
    assert len(new) == len(caches) == 2
    assert not new & caches


def regrouped(workspace: Workspace, group: Callable[[int], int]) -> Workspace:
    """Return a workspace with the same images and parts in other groups."""
    dataset = workspace.dataset()
    images = [each.model_copy(update={"group": group(each.group)}) for each in dataset.images]
    dataset = replace(dataset, images=Images.of(images))
    return Workspace(workspace.settings, workspace.preset, workspace.display, dataset)


def test_out_of_fold_predictions_are_computed_again_when_groups_change(home: Home) -> None:
    workspace, trial = home.workspace(), Trial(FROZEN)
    kept = out_of_fold_predictions(workspace, trial)
    assert kept is not None
    path = run_of(workspace, 1).folder / "held_out.npz"
    before = path.stat().st_mtime_ns
    renumbered = regrouped(workspace, lambda group: 1000 - group)
    same = out_of_fold_predictions(renumbered, trial)
    assert same is not None
    assert np.array_equal(same, kept)
    assert path.stat().st_mtime_ns == before
    other = regrouped(workspace, lambda each: each // 2)
    joined = out_of_fold_predictions(other, trial)
    assert joined is not None
    assert not np.array_equal(joined, kept)


@pytest.mark.parametrize("name", ["retrieval.json", "neighbors.npz"])
def test_training_measures_the_search_of_finished_runs_without_it(home: Home, name: str) -> None:
    before = home.workspace()
    compared = compare(before)
    run = run_of(before, 1)
    neighbors = run.neighbors
    assert neighbors is not None
    trained = states(home.folder / "home" / "runs")
    (run.folder / name).unlink()
    assert not is_published(home.workspace())
    train(home.workspace())
    changed = [
        path
        for path, time in states(home.folder / "home" / "runs").items()
        if trained.get(path) != time
    ]
    assert {path.name for path in changed} == {"retrieval.json", "neighbors.npz"}
    again = home.workspace()
    assert is_published(again)
    assert compare(again) == compared
    assert np.array_equal(run_of(again, 1).neighbors, neighbors)  # type: ignore[arg-type]


def test_the_search_is_measured_again_when_groups_change(home: Home) -> None:
    other = regrouped(home.workspace(), lambda each: each // 2)
    before = run_of(other, 0).retrieval
    train(other)
    after = run_of(other, 0).retrieval
    assert before is not None
    assert after is not None
    assert after.tuning_precision_at_3 == before.tuning_precision_at_3
    assert after.retrieval.embedding.precision_at_1.value == pytest.approx(
        before.retrieval.embedding.precision_at_1.value
    )
    assert after.retrieval.embedding != before.retrieval.embedding


def add_images(home: Home, number: int) -> None:
    """Add images of new scenes to the data set of a home and ingest them."""
    for label in ("cat", "dog"):
        for each in range(number):
            path = home.data / "train" / label / f"new-{each}.jpg"
            path.write_bytes(jpeg(1000 + each + (500 if label == "dog" else 0)))
    ingest(home.workspace(), PublishedArchive())


def test_added_images_leave_runs_valid_and_the_same_model_is_published(home: Home) -> None:
    runs = home.folder / "home" / "runs"
    before, published = states(runs), current_release(home.workspace().settings.releases_folder)
    add_images(home, 3)
    workspace = home.workspace()
    assert is_published(workspace)
    assert not is_newest(workspace)
    home.printed()
    publish_again(workspace)
    assert is_published(home.workspace())
    assert is_newest(home.workspace())
    assert states(runs) == before
    old = open_release(published)
    new = open_release(current_release(workspace.settings.releases_folder))
    assert len(new.images) == len(old.images) + 6
    assert new.comparison == old.comparison
    assert new.uncertainty == old.uncertainty
    assert new.manifest.training == old.manifest.training
    added = ~np.isin(new.images.ids, old.images.ids)
    assert not new.learned[added].any()
    assert np.array_equal(new.learned[~added], old.learned)
    assert np.array_equal(new.embeddings[~added], old.embeddings)
    unseen = int((added & (new.images.splits == "train")).sum())
    assert f"Training images that came after the training of this model: {unseen};" in (
        home.printed()
    )


def test_a_store_that_a_service_writes_is_cleaned_up_by_the_service(home: Home) -> None:
    add_images(home, 3)
    add_images(home, 4)
    workspace = home.workspace()
    workspace.settings = workspace.settings.model_copy(update={"keep_versions": 1, "keep_days": 0})
    publish_again(workspace)
    before = workspace.store.versions()
    with store_lock(workspace.settings.store_uri, SERVICE):
        workspace.clean_up_unless_written("belvedere publish")
        assert workspace.store.versions() == before
    workspace.clean_up_unless_written("belvedere publish")
    assert len(workspace.store.versions()) == len(before) - 1


def test_training_on_the_newest_revision_compares_models_on_common_images(home: Home) -> None:
    add_images(home, 3)
    before = compare(home.workspace())
    workspace = home.workspace()
    workspace.train_on_newest()
    with pytest.raises(DataError, match="run `belvedere train`"):
        publish_best(workspace)
    train(workspace)
    after = compare(workspace)
    assert after.train == before.train + 6
    (earlier,) = after.versions
    assert (earlier.version, earlier.train) == (before.version, before.train)
    assert earlier.common == before.validation == after.validation
    best = next(each for each in before.experiments if each.name == before.best)
    pair = next(each for each in earlier.experiments if each.experiment == before.best)
    assert pair.before == pytest.approx(best.accuracy)
    publish_best(workspace)
    assert is_published(home.workspace())


def test_an_earlier_dataset_version_gives_its_figures_again(home: Home) -> None:
    before = compare(home.workspace())
    add_images(home, 3)
    workspace = home.workspace()
    workspace.train_on_newest()
    train(workspace)
    chosen = workspace.settings.model_copy(update={"dataset_version": before.version})
    assert compare(Workspace(chosen, PRESET, workspace.display)) == before


@pytest.mark.parametrize("damage", [cut, empty, spoil])
@pytest.mark.parametrize(
    "name", ["report.json", "predictions.npz", "network.keras", "probe.xml", "probe.bin"]
)
def test_a_damaged_run_is_reported_and_deleted(
    home: Home, name: str, damage: Callable[[Path], None]
) -> None:
    run = run_of(home.workspace(), 0)
    damage(run.folder / name)
    workspace = home.workspace()
    if damage is not spoil:
        with pytest.raises(DamagedRun, match="run `belvedere train`") as raised:
            compare(workspace)
        assert str(run.folder / name) in str(raised.value)
    assert damage is spoil or not is_published(workspace)
    workspace.runs.delete_damaged(workspace.display.warn)
    assert str(run.folder / name) in home.printed()
    assert workspace.run(Trial(OWN)) is None
    assert workspace.run(Trial(FROZEN)) is not None


def test_training_replaces_damaged_runs(home: Home) -> None:
    workspace = home.workspace()
    trial = Trial(FROZEN)
    kept = out_of_fold_predictions(workspace, trial)
    frozen = run_of(workspace, 1)
    measured = [frozen.folder / name for name in ("cost.json", "retrieval.json", "neighbors.npz")]
    damaged = [run_of(workspace, 0).folder / "report.json", *measured]
    for path in (*damaged, frozen.folder / "held_out.npz"):
        cut(path)
    workspace = home.workspace()
    with pytest.raises(DamagedRun, match=r"cost\.json is damaged; run `belvedere train`"):
        compare(workspace.with_preset(replace(PRESET, experiments=(FROZEN,))))
    train(workspace)
    warned = home.printed()
    for path in damaged:
        assert str(path) in warned
    assert run_of(workspace, 1).cost is not None
    assert run_of(workspace, 1).retrieval is not None
    assert run_of(workspace, 1).neighbors is not None
    assert [each.status for each in compare(workspace).experiments] == ["done", "done"]
    again = out_of_fold_predictions(workspace, trial)
    assert again is not None
    assert kept is not None
    assert np.array_equal(again, kept)
    assert str(frozen.folder / "held_out.npz") in warned + home.printed()
    publish_best(workspace)
    assert is_published(workspace)


def test_damaged_caches_are_replaced(home: Home) -> None:
    workspace = home.workspace()
    trial, dataset = Trial(FROZEN), workspace.dataset()
    cache = home.folder / "home" / "cache"
    pixels = np.array(dataset.pixels(SIZE))
    names = sorted(path.name for path in cache.iterdir())
    for damage in (cut, empty):
        for path in cache.iterdir():
            damage(path)
        (run_of(workspace, 1).folder / "held_out.npz").unlink(missing_ok=True)
        home.printed()
        assert out_of_fold_predictions(workspace, trial) is not None
        warned = home.printed()
        for name in names:
            assert str(cache / name) in warned
        assert sorted(path.name for path in cache.iterdir()) == names
        assert np.array_equal(dataset.pixels(SIZE), pixels)


def test_caches_of_other_images_are_deleted_or_extended(home: Home) -> None:
    workspace = home.workspace()
    cache = home.folder / "home" / "cache"
    before = {path.name for path in cache.iterdir()}
    add_images(home, 1)
    workspace = home.workspace()
    workspace.train_on_newest()
    train(workspace)
    after = {path.name for path in cache.iterdir()}
    assert len(after) == len(before)
    # The features without augmentation have a row for each image.
    assert len(after & before) == 1


def test_unused_runs_are_reported_with_their_size(home: Home) -> None:
    workspace = home.workspace()
    old = workspace.settings.runs / "baseline-0123456789ab"
    old.mkdir()
    (old / "report.json").write_text(run_of(workspace, 0).report.model_dump_json())
    (old / "network.keras").write_bytes(bytes(3_000_000))
    warn_of_unused_runs(workspace)
    line = home.printed()
    assert line.startswith("Not used: 1 of the runs in ")
    assert "to free 3 MB: baseline-0123456789ab." in line
    add_images(home, 1)
    home.printed()
    warn_of_unused_runs(home.workspace())
    assert home.printed().startswith("Not used: 1 of the runs in ")
    shutil.rmtree(workspace.settings.runs)
    warn_of_unused_runs(home.workspace())
    assert home.printed() == ""


def test_an_encoder_is_exported_again_with_another_temperature_and_when_damaged(home: Home) -> None:
    workspace = home.workspace()
    dataset, comparison, run = workspace.dataset(), compare(workspace), run_of(workspace, 1)
    store = workspace.store
    sure = np.eye(2, dtype=np.float32)[dataset.labels[dataset.indices.fit]] * 0.8 + 0.1
    first, second = (
        export(run, dataset, store, comparison, (), each).model for each in (sure, 1 - sure)
    )
    assert first.parent != second.parent
    assert not first.exists()
    content = second.with_suffix(".bin").read_bytes()
    for damage in (cut, empty, spoil):
        damage(second.with_suffix(".bin"))
        home.printed()
        assert export(run, dataset, store, comparison, (), 1 - sure).model == second
        assert str(second.with_suffix(".bin")) in home.printed()
        assert len(second.with_suffix(".bin").read_bytes()) == len(content)
