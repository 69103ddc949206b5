import io
import json
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from embeddings.ingest.split import split_groups
from embeddings.release.reader import current_release, open_release
from embeddings.release.reports import Curves, ExperimentReport, choose_best
from tests.training.conftest import SMALL_FROZEN
from tests.training.pictures import class_folders
from training.console import Display
from training.data.download import PublishedArchive
from training.data.folds import grouped_folds
from training.evaluation.comparison import compare
from training.evaluation.feasibility import limitations
from training.evaluation.label_issues import out_of_fold_probabilities
from training.experiments.config import Preset
from training.experiments.from_scratch import BASELINE, EARLY_STOPPING
from training.experiments.presets import ALL_EXPERIMENTS
from training.export import publish_best
from training.runner import train
from training.settings import TrainingSettings
from training.workspace import Workspace, ingest

SMALL = Preset(
    name="small",
    epochs=2,
    experiments=(
        replace(BASELINE, input=(32, 48)),
        replace(EARLY_STOPPING, input=(32, 48)),
        replace(SMALL_FROZEN, epochs=2),
        *(each for each in ALL_EXPERIMENTS if each.name == "combined"),
    ),
)


def workspace_of(folder: Path, weights: Path, photographers: int, console: Console) -> Workspace:
    """Return a workspace on two classes with `photographers` photographers each."""
    data = class_folders(folder / "set", {"cat": 24, "dog": 24})
    (folder / "licenses").mkdir()
    for label in ("cat", "dog"):
        owners = (f"{label}{min(number // 6, photographers - 1)}" for number in range(24))
        listed = {
            f"{number:03}.jpg": {"owner": owner, "owner_id": owner, "license": "4", "title": "t"}
            for number, owner in enumerate(owners)
        }
        (folder / "licenses" / f"{label}_photos_info.json").write_text(json.dumps(listed))
    chosen = TrainingSettings(
        home=folder / "home",
        data=str(data),
        licenses=folder / "licenses",
        weights=weights,
    )
    workspace = Workspace(chosen, SMALL, Display(console))
    ingest(workspace, PublishedArchive())
    return workspace


def test_a_missing_tuning_part_is_reported_and_all_commands_work(
    tmp_path: Path, small_weights: Path
) -> None:
    console = Console(width=500, record=True, file=io.StringIO())
    workspace = workspace_of(tmp_path, small_weights, 2, console)
    data = workspace.dataset()
    assert not len(data.indices.tuning)
    train(workspace)
    said = console.export_text()
    assert said.index("There is no tuning part") < said.index("baseline: loss")
    assert "tuning 0" not in said
    reports = compare(workspace).experiments
    assert [each.name for each in reports] == ["baseline", "early-stopping", "small-frozen"]
    for report in reports:
        assert report.tuning_accuracy is report.tuning_loss is None
        assert report.curves.tuning_loss == report.curves.tuning_accuracy == ()
        assert report.epochs == 2
    best = min(reports, key=lambda each: each.curves.loss[-1])
    assert compare(workspace).best == best.name
    publish_best(workspace)
    uncertainty = open_release(current_release(workspace.settings.releases_folder)).uncertainty
    assert uncertainty.calibration.temperature == 1.0
    sets = uncertainty.sets
    assert not sets.thresholds.any()
    assert (sets.coverage, sets.mean_size) == (1.0, 2.0)


def test_three_photographers_are_enough_for_out_of_fold_predictions(
    tmp_path: Path, small_weights: Path, silent: Display
) -> None:
    frozen = replace(SMALL, experiments=SMALL.experiments[2:3])
    workspace = workspace_of(tmp_path, small_weights, 3, Console(quiet=True)).with_preset(frozen)
    train(workspace)
    publish_best(workspace)
    release = open_release(current_release(workspace.settings.releases_folder))
    assert release.comparison.tuning > 0
    data = workspace.dataset()
    features = np.random.default_rng(0).normal(size=(48, 8)).astype(np.float32)
    assert out_of_fold_probabilities(features, data).any(axis=1).all()


def test_a_data_set_with_enough_groups_has_no_limitations(workspace: Workspace) -> None:
    assert limitations(workspace.dataset()) == ()


images = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=2, max_size=60)


@settings(deadline=None)
@given(images, st.integers(2, 5), st.integers(0, 3))
def test_folds_predict_a_class_only_if_trained_on_other_groups_of_it(
    members: list[tuple[int, int]], most: int, seed: int
) -> None:
    labels = np.array([label for label, _ in members])
    groups = np.array([group for _, group in members])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folds = grouped_folds(labels, groups.tolist(), most, seed)
    asked_of_all = Counter[int]()
    assert len(folds) <= min(most, len(set(groups)))
    for learned, asked in folds:
        assert not set(groups[learned]) & set(groups[asked])
        for label in labels[asked]:
            assert 3 * np.sum(labels[learned] == label) >= np.sum(labels == label)
        assert len(set(labels[learned])) > 1
        asked_of_all.update(asked.tolist())
    assert all(count == 1 for count in asked_of_all.values())


def test_a_group_that_is_a_whole_class_is_not_held_out() -> None:
    labels = ["lake"] * 30 + ["sea"] * 9
    groups = [0] * 12 + [1] * 10 + [2] * 8 + [2] * 9
    for seed in range(5):
        aside = split_groups(labels, groups, 0.1, seed)
        assert aside
        assert 2 not in aside


def report(name: str, loss: float, tuning: float | None, parameters: int) -> ExperimentReport:
    return ExperimentReport(
        name=name,
        family="own network",
        base=None,
        change="",
        status="done",
        accuracy=1.0 - loss,
        tuning_accuracy=tuning,
        parameters=parameters,
        curves=Curves(loss=(9.0, loss)),
    )


@pytest.mark.parametrize(
    ("reports", "best"),
    [
        ([("a", 0.1, 0.7, 1), ("b", 0.9, 0.8, 1)], "b"),
        ([("a", 0.1, None, 1), ("b", 0.9, None, 1)], "a"),
        ([("a", 0.1, None, 2), ("b", 0.1, None, 1)], "b"),
    ],
)
def test_the_best_experiment_has_the_best_tuning_accuracy_or_else_training_loss(
    reports: list[tuple[str, float, float | None, int]], best: str
) -> None:
    assert choose_best(report(*each) for each in reports).name == best
