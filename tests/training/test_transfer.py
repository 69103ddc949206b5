from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from embeddings.runtime import CompiledNetwork
from training.experiments.config import FineTuning, FrozenTransfer
from training.trainers.context import Circumstances, Trained
from training.trainers.dispatch import run
from training.trainers.head import cross_fit
from training.workspace import Workspace

SIZE = (32, 48)
TUNED = FineTuning("tuned", "", backbone="mine", input=SIZE, hidden=32, epochs=1, warm_up=0)


def no_teacher(declared: FrozenTransfer | FineTuning) -> CompiledNetwork:
    raise AssertionError


@pytest.fixture
def given(workspace: Workspace, tmp_path: Path) -> Circumstances:
    keras.utils.set_random_seed(1)
    for name, filters in (("mine", 16), ("other", 8)):
        image = keras.Input((*SIZE, 3))
        x = keras.layers.Conv2D(filters, 5, strides=4, activation="relu")(image)
        network = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
        network.save(tmp_path / f"{name}.keras")
    dataset = replace(workspace.dataset(), cache=tmp_path)
    return Circumstances(dataset, 1, 0, tmp_path, no_teacher)


def backbone_weight(trained: Trained) -> object:
    return trained.network.get_layer("backbone").get_weights()[0]


def test_fine_tuning_can_begin_with_the_head_of_frozen_features(given: Circumstances) -> None:
    unmoved = replace(TUNED, learning_rate=0.0, head_first=True)
    frozen = FrozenTransfer("frozen", "", backbone="mine", input=SIZE, hidden=32)
    expected, found = (run(each, given, lambda end: None) for each in (frozen, unmoved))
    np.testing.assert_allclose(found.validation, expected.validation, atol=1e-4)


def test_two_backbones_serve_what_the_head_has_learned_from(given: Circumstances) -> None:
    both = FrozenTransfer("both", "", backbone="mine", beside="other", input=SIZE, views=1)
    trained = run(both, given, lambda end: None)
    assert trained.layers is not None
    assert trained.layers.pooled.shape[1] == 16 + 8
    pixels = given.dataset.pixels(SIZE)[given.dataset.parts.validation]
    served = trained.network.predict(pixels, verbose=0)
    np.testing.assert_allclose(served, trained.validation, atol=1e-4)


def test_averaging_keeps_its_share_of_what_there_was_before(given: Circumstances) -> None:
    before, after, between = (
        backbone_weight(run(replace(TUNED, **changes), given, lambda end: None))
        for changes in ({"averaged": 1.0}, {}, {"averaged": 0.25})
    )
    assert not np.allclose(before, after, atol=1e-5)
    np.testing.assert_allclose(
        between, 0.25 * np.asarray(before) + 0.75 * np.asarray(after), atol=1e-6
    )


def test_held_out_probabilities_come_from_heads_that_do_not_know_the_group(
    given: Circumstances,
) -> None:
    frozen = FrozenTransfer("frozen", "", backbone="mine", input=SIZE, hidden=0, epochs=5)
    data = given.dataset
    found = cross_fit(frozen, given)
    assert found is not None
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(found, cross_fit(frozen, given))
    right = found[np.arange(len(found)), data.labels[data.parts.fit]]
    assert right.mean() > 1 / len(data.classes)
    fit = data.parts.fit
    two = {image.group for image in data.images[fit[0] : fit[0] + 2]}
    few = np.array([row for row in fit if data.images[row].group in two])
    poorer = replace(data, parts=replace(data.parts, fit=few))
    assert cross_fit(frozen, replace(given, dataset=poorer)) is None
