"""Trials on two nodes with one processor each, compared with the same trials one by one."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from threading import Thread

import keras
import numpy as np
import pytest
from rich.console import Console

from tests.scale.servers import RayCluster
from training.console import Display
from training.data.download import PublishedArchive
from training.experiments.config import FineTuning, FrozenTransfer, Preset
from training.experiments.from_scratch import BASELINE, DROPOUT
from training.experiments.planner import Trial
from training.ray_trials import ray_executor
from training.runner import train
from training.runs import Run
from training.settings import TrainingSettings
from training.workspace import Workspace, ingest

SIZE = (32, 48)
FROZEN = FrozenTransfer("frozen", "A head.", backbone="mine", input=SIZE, hidden=8, epochs=2)
DISTILLED = FineTuning(
    "distilled", "A student.", backbone="mine", input=SIZE, hidden=8, epochs=2, teachers=(FROZEN,)
)
DIVERGING = replace(BASELINE, name="diverging", input=SIZE, learning_rate=1e30)
PRESET = Preset(
    "tiny",
    1,
    (replace(BASELINE, input=SIZE), replace(DROPOUT, input=SIZE), DIVERGING, FROZEN, DISTILLED),
)


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace whose trials were trained in this process."""
    from tests.training.backbones import write_backbone

    home = tmp_path_factory.mktemp("one-by-one")
    write_backbone(home / "weights")
    workspace = open_home(home)
    ingest(workspace, PublishedArchive())
    train(workspace)
    return workspace


def open_home(home: Path) -> Workspace:
    settings = TrainingSettings(home=home, data="scenes", scenes=13, weights=home / "weights")
    return Workspace(settings, PRESET, Display(Console(quiet=True)))


def untrained_copy(workspace: Workspace, home: Path) -> Workspace:
    """Copy a home without its runs and cache."""
    ignored = shutil.ignore_patterns("runs", "cache")
    shutil.copytree(workspace.settings.home, home, ignore=ignored)
    return open_home(home)


def assert_equal_runs(one: Workspace, other: Workspace) -> None:
    assert [path.name for path in one.runs.folders] == [path.name for path in other.runs.folders]
    assert len(one.runs.folders) == len(PRESET.experiments)
    for trial in one.trials():
        assert contents(one, trial) == contents(other, trial)


def contents(workspace: Workspace, trial: Trial) -> tuple[object, ...]:
    """Return everything in a run except durations, arrays as bytes."""
    run = workspace.run(trial)
    assert run is not None
    report = run.report.model_copy(update={"train_seconds": None, "reused_seconds": None})
    if report.status == "skipped":
        return run.key, dict(run.facts), report
    predicted = run.predictions
    arrays = (predicted.tuning, predicted.validation, *weights(run))
    measured = run.cost is not None
    return run.key, dict(run.facts), report, measured, [np.asarray(a).tobytes() for a in arrays]


def weights(run: Run) -> list[np.ndarray]:
    return keras.saving.load_model(run.network).get_weights()


def test_trials_on_two_nodes_are_congruent_with_those_one_by_one(
    one_by_one: Workspace, cluster: RayCluster, tmp_path: Path
) -> None:
    workspace = untrained_copy(one_by_one, tmp_path / "home")
    train(workspace, ray_executor(workspace, cluster.address))
    assert_equal_runs(one_by_one, workspace)
    cached = {path.name for path in workspace.settings.cache.iterdir()}
    assert cached == {path.name for path in one_by_one.settings.cache.iterdir()}


def test_a_trial_whose_process_is_killed_is_trained_again(
    one_by_one: Workspace, cluster: RayCluster, tmp_path: Path
) -> None:
    workspace = untrained_copy(one_by_one, tmp_path / "home")
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            for process in cluster.worker_processes("_train")[:1]:
                os.kill(process, signal.SIGKILL)
                killed.append(process)

    killer = Thread(target=kill, daemon=True)
    killer.start()
    train(workspace, ray_executor(workspace, cluster.address))
    killer.join()
    assert killed
    assert_equal_runs(one_by_one, workspace)
