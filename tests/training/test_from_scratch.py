"""Training from scratch in stages and with pretraining."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embeddings.runtime import CompiledModel
from training.console import EpochEnd
from training.evaluation.latency import export_inference_model
from training.experiments.config import FineTuning, FromScratch, FrozenTransfer
from training.experiments.from_scratch import RESIDUAL
from training.experiments.long import LONG_EXPERIMENTS
from training.trainers.context import TrainingContext
from training.trainers.dispatch import train_experiment
from training.workspace import Workspace

SMALL = replace(RESIDUAL, input=(32, 48), augmentation=("crop", "colours"), batch=32)


def no_teacher(declared: FrozenTransfer | FineTuning) -> CompiledModel:
    raise AssertionError


@pytest.fixture
def context(workspace: Workspace, tmp_path: Path) -> TrainingContext:
    dataset = replace(workspace.dataset(), cache=tmp_path)
    return TrainingContext(dataset, 4, 0, None, no_teacher)


def epochs_of(experiment: FromScratch, context: TrainingContext) -> list[EpochEnd]:
    ends: list[EpochEnd] = []
    train_experiment(experiment, context, ends.append)
    return ends


def test_training_with_growing_images_gives_a_network_for_the_last_size(
    context: TrainingContext, tmp_path: Path
) -> None:
    growing = replace(SMALL, first_inputs=((16, 24), (24, 36)), averaging=0.9)
    ends: list[EpochEnd] = []
    trained = train_experiment(growing, context, ends.append)
    assert trained.network.input_shape == (None, 32, 48, 3)
    assert [end.epoch for end in ends] == [1, 2, 3, 4]
    assert len(trained.curves.loss) == len(trained.curves.tuning_loss) == 4
    pixels = context.dataset.pixels((32, 48))[context.dataset.indices.validation]
    model = CompiledModel(export_inference_model(trained.network, tmp_path))
    served = np.concatenate([outputs[-1] for outputs in model.infer_all(pixels)])
    np.testing.assert_allclose(served, trained.validation, atol=1e-4)


def test_pretraining_without_labels_comes_before_the_epochs(context: TrainingContext) -> None:
    ends = epochs_of(replace(SMALL, self_supervised=0.5), context)
    assert [(end.epoch, end.epochs) for end in ends] == [
        (1, 2),
        (2, 2),
        *((n, 4) for n in (1, 2, 3, 4)),
    ]
    assert all(end.accuracy is None for end in ends[:2])
    # The loss is a negative cosine.
    assert all(-1 <= end.loss < 0 for end in ends[:2])
    assert all(end.loss > 0 for end in ends[2:])


def test_experiments_with_long_training_change_one_network() -> None:
    singles = [each for each in LONG_EXPERIMENTS if isinstance(each, FromScratch)]
    assert {each.base for each in singles[1:]} == {singles[0].name}
    lengths = {each.length for each in singles}
    assert len(lengths) == 1
