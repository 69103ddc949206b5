from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from embeddings.runtime import CompiledModel
from training.experiments.config import FineTuning, FrozenTransfer, Metric
from training.trainers.context import TrainingContext, TrainingResult
from training.trainers.dispatch import train_experiment
from training.trainers.head import predict_out_of_fold
from training.workspace import Workspace

SIZE = (32, 48)
TUNED = FineTuning("tuned", "", backbone="mine", input=SIZE, hidden=32, epochs=1, warm_up=0)


def no_teacher(declared: FrozenTransfer | FineTuning) -> CompiledModel:
    raise AssertionError


@pytest.fixture
def context(workspace: Workspace, tmp_path: Path) -> TrainingContext:
    keras.utils.set_random_seed(1)
    for name, filters in (("mine", 16), ("other", 8)):
        image = keras.Input((*SIZE, 3))
        x = keras.layers.Conv2D(filters, 5, strides=4, activation="relu")(image)
        network = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
        network.save(tmp_path / f"{name}.keras")
    dataset = replace(workspace.dataset(), cache=tmp_path)
    return TrainingContext(dataset, 1, 0, tmp_path, no_teacher)


def backbone_weight(trained: TrainingResult) -> np.ndarray:
    return np.asarray(trained.network.get_layer("backbone").get_weights()[0])


@pytest.mark.parametrize("beside", ["", "other"])
@pytest.mark.parametrize("metric", ["", "contrastive", "cosine-margin"])
def test_fine_tuning_can_start_from_a_head_on_frozen_features(
    context: TrainingContext, metric: Metric, beside: str
) -> None:
    unmoved = replace(TUNED, learning_rate=0.0, head_first=True, metric=metric, beside=beside)
    frozen = FrozenTransfer(
        "frozen", "", backbone="mine", beside=beside, input=SIZE, hidden=32, metric=metric
    )
    expected, found = (
        train_experiment(each, context, lambda end: None) for each in (frozen, unmoved)
    )
    np.testing.assert_allclose(found.validation, expected.validation, atol=1e-4)


def test_two_backbones_give_the_features_that_the_head_was_trained_on(
    context: TrainingContext,
) -> None:
    both = FrozenTransfer("both", "", backbone="mine", beside="other", input=SIZE, views=1)
    trained = train_experiment(both, context, lambda end: None)
    assert trained.layer_outputs is not None
    assert trained.layer_outputs.pooled.shape[1] == 16 + 8
    pixels = context.dataset.pixels(SIZE)[context.dataset.indices.validation]
    served = trained.network.predict(pixels, verbose=0)
    np.testing.assert_allclose(served, trained.validation, atol=1e-4)


def test_two_backbones_are_fine_tuned_together(context: TrainingContext) -> None:
    both = replace(TUNED, beside="other")
    moved, unmoved = (
        train_experiment(each, context, lambda end: None).network
        for each in (both, replace(both, learning_rate=0.0))
    )
    for name in ("backbone-0", "backbone-1"):
        before, after = (each.get_layer(name).get_weights()[0] for each in (unmoved, moved))
        assert not np.allclose(before, after, atol=1e-5)


def test_averaging_keeps_its_share_of_the_initial_weights(context: TrainingContext) -> None:
    before, after, between = (
        backbone_weight(train_experiment(each, context, lambda end: None))
        for each in (replace(TUNED, averaged=1.0), TUNED, replace(TUNED, averaged=0.25))
    )
    assert not np.allclose(before, after, atol=1e-5)
    np.testing.assert_allclose(between, 0.25 * before + 0.75 * after, atol=1e-6)


def test_out_of_fold_predictions_come_from_heads_not_trained_on_the_group(
    context: TrainingContext,
) -> None:
    frozen = FrozenTransfer("frozen", "", backbone="mine", input=SIZE, hidden=0, epochs=5)
    data = context.dataset
    found = predict_out_of_fold(frozen, context)
    assert found is not None
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(found, predict_out_of_fold(frozen, context))
    right = found[np.arange(len(found)), data.labels[data.indices.fit]]
    assert right.mean() > 1 / len(data.classes)
    fit = data.indices.fit
    two = {image.group for image in data.images[fit[0] : fit[0] + 2]}
    few = np.array([row for row in fit if data.images[row].group in two])
    poorer = replace(data, indices=replace(data.indices, fit=few))
    assert predict_out_of_fold(frozen, replace(context, dataset=poorer)) is None
