import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from embeddings.release.reader import COMPARISON, current_release
from embeddings.release.reports import choose_best
from training.console import Display
from training.errors import DataError
from training.evaluation.comparison import compare, is_published
from training.experiments.config import FromScratch, FrozenTransfer
from training.experiments.from_scratch import BASELINE, EARLY_STOPPING
from training.experiments.planner import Trial
from training.experiments.presets import PRESETS
from training.models.heads import EMBEDDING, encoder_of
from training.models.networks import Regularisation, convnet
from training.runner import train
from training.workspace import Workspace


def test_every_experiment_of_the_preset_is_compared(workspace: Workspace) -> None:
    comparison = compare(workspace)
    assert [report.name for report in comparison.experiments] == [
        "baseline", "dropout", "small-frozen",
    ]  # fmt: skip
    for report in comparison.experiments:
        assert report.status == "done"
        assert report.accuracy is not None
        assert 0 <= report.accuracy <= 1
        confusion = np.array(report.confusion)
        assert confusion.sum() == comparison.validation
        assert report.accuracy == pytest.approx(np.trace(confusion) / confusion.sum())
        assert [row.support for row in report.per_class] == confusion.sum(axis=1).tolist()
        assert len(report.curves.tuning_accuracy) == report.epochs
        assert report.train_seconds is not None
        assert report.train_seconds > 0
    assert comparison.train + comparison.validation == len(workspace.dataset().images)


def test_the_best_is_chosen_without_the_validation_set(workspace: Workspace) -> None:
    comparison = compare(workspace)
    reports = comparison.experiments
    best = choose_best(reports, comparison.tuning)
    assert comparison.best == best.name
    highest = max(report.tuning_accuracy or 0 for report in reports)
    error = (highest * (1 - highest) / comparison.tuning) ** 0.5
    assert (best.tuning_accuracy or 0) >= highest - error
    flattered = tuple(
        report.model_copy(update={"accuracy": 1.0 - (report.accuracy or 0)}) for report in reports
    )
    assert choose_best(flattered, comparison.tuning).name == comparison.best


def test_only_the_head_of_a_frozen_network_is_trained(workspace: Workspace) -> None:
    transfer = compare(workspace).experiments[-1]
    assert transfer.trainable_parameters == 8 * 16 + 16 + 16 * 7 + 7
    assert transfer.parameters == 5 * 5 * 3 * 8 + 8 + transfer.trainable_parameters


def test_fit_tuning_and_validation_share_no_image_and_no_group(workspace: Workspace) -> None:
    dataset = workspace.dataset()
    indices = dataset.indices
    rows = np.concatenate([indices.fit, indices.tuning, indices.validation])
    assert sorted(rows) == list(range(len(dataset.images)))
    groups = [
        set(dataset.images.groups[part].tolist())
        for part in (indices.fit, indices.tuning, indices.validation)
    ]
    assert not groups[0] & groups[1]
    assert not (groups[0] | groups[1]) & groups[2]


def test_finished_experiments_are_not_trained_again(workspace: Workspace) -> None:
    before = {path: path.stat().st_mtime_ns for path in workspace.settings.runs.rglob("*")}
    train(workspace)
    assert {path: path.stat().st_mtime_ns for path in workspace.settings.runs.rglob("*")} == before


class Interrupted(Exception):
    pass


class Interrupting(Display):
    """Display that interrupts the training when the baseline is finished."""

    def info(self, message: str) -> None:
        if message.startswith("baseline: validation"):
            raise Interrupted


def test_an_interrupted_training_continues_with_the_missing_experiments(
    workspace: Workspace, tmp_path: Path
) -> None:
    settings = workspace.settings.model_copy(
        update={"home": tmp_path, "store": workspace.settings.store_uri}
    )
    preset = replace(workspace.preset, epochs=1, experiments=workspace.preset.experiments[:2])
    continued = Workspace(settings, preset, workspace.display)
    with pytest.raises(Interrupted):
        train(Workspace(settings, preset, Interrupting(Console(quiet=True))))
    interrupted = compare(continued)
    assert [report.name for report in interrupted.experiments] == ["baseline"]
    train(continued)
    finished = compare(continued)
    assert [report.name for report in finished.experiments] == ["baseline", "dropout"]
    for before, after in zip(interrupted.experiments, finished.experiments, strict=False):
        assert before.curves == after.curves
        assert before.train_seconds == after.train_seconds


def test_training_that_diverges_is_skipped_with_the_reason(
    workspace: Workspace, tmp_path: Path
) -> None:
    settings = workspace.settings.model_copy(
        update={"home": tmp_path, "store": workspace.settings.store_uri}
    )
    diverging = replace(BASELINE, name="diverging", input=(32, 48), learning_rate=1e30)
    preset = replace(workspace.preset, epochs=1, experiments=(diverging,))
    alone = Workspace(settings, preset, workspace.display)
    train(alone)
    report = alone.report(Trial(diverging))
    assert report is not None
    assert report.status == "skipped"
    assert report.reason is not None
    assert "lower learning rate" in report.reason


def test_unavailable_weights_are_skipped_with_the_reason_and_tried_again(
    workspace: Workspace, tmp_path: Path, small_weights: Path
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    settings = workspace.settings.model_copy(
        update={"home": tmp_path, "store": workspace.settings.store_uri, "weights": weights}
    )
    preset = replace(workspace.preset, experiments=workspace.preset.experiments[-1:])
    poor = Workspace(settings, preset, workspace.display)
    train(poor)
    with pytest.raises(DataError, match="belvedere train"):
        compare(poor)
    (experiment,) = preset.experiments
    assert isinstance(experiment, FrozenTransfer)
    skipped = poor.run(Trial(experiment))
    assert skipped is not None
    assert skipped.report.status == "skipped"
    assert "BELVEDERE_WEIGHTS" in (skipped.report.reason or "")
    shutil.copyfile(small_weights / "mine.keras", weights / "mine.keras")
    train(poor)
    assert compare(poor).best == "small-frozen"


def test_a_published_release_is_is_published_until_something_changes(workspace: Workspace) -> None:
    assert is_published(workspace)
    more = replace(workspace.preset, experiments=(*workspace.preset.experiments, EARLY_STOPPING))
    assert not is_published(workspace.with_preset(more))
    assert not is_published(workspace.with_preset(replace(workspace.preset, epochs=7)))
    other = workspace.settings.model_copy(update={"seed": 1})
    assert not is_published(Workspace(other, workspace.preset, workspace.display))


def test_the_release_carries_the_comparison(workspace: Workspace) -> None:
    folder = current_release(workspace.settings.releases_folder)
    assert (folder / COMPARISON).read_text("utf-8") == compare(workspace).model_dump_json()


def test_the_baseline_has_about_400_k_parameters_and_any_size_of_input() -> None:
    assert convnet(BASELINE.input, 7).count_params() == 382_759
    network = encoder_of(convnet((48, 40), 3, Regularisation(dropout=0.5)))
    assert [output.shape for output in network.outputs] == [(None, 128), (None, 3)]
    assert network.get_layer(EMBEDDING) is not None


def test_presets_declare_each_experiment_once_on_an_existing_base() -> None:
    for preset in PRESETS.values():
        names = [experiment.name for experiment in preset.experiments]
        assert len(set(names)) == len(names)
        assert {e.base for e in preset.experiments if e.base} <= set(names)
        declared = {experiment.name: experiment for experiment in preset.experiments}
        for experiment in preset.experiments:
            if isinstance(experiment, FromScratch) and experiment.family != "combination":
                base = declared[experiment.base or experiment.name]
                changed = {
                    field
                    for field in vars(experiment)
                    if getattr(experiment, field) != getattr(base, field)
                }
                changed -= {"name", "change", "base", "family"}
                # A change of the schedule or of the stages needs two fields.
                assert len(changed) <= 1 or changed in (
                    {"first_inputs", "input"},
                    {"one_cycle", "learning_rate"},
                )
