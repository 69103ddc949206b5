from dataclasses import replace
from pathlib import Path

import keras
import pytest

from training.errors import DataError
from training.experiments.config import Combination, FineTuning, FrozenTransfer, experiment_key
from training.experiments.from_scratch import BASELINE, DROPOUT
from training.experiments.presets import (
    ALL_EXPERIMENTS,
    PRESETS,
    list_experiments,
    select,
    with_local_networks,
)
from training.experiments.transfer import DISTILLED
from training.models.backbones import WeightsUnavailable, pretrained

QUICK = PRESETS["quick"]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Return a folder with two networks of the user, one of them for images of any size."""
    for name, size in (("mine", (64, 80)), ("any size", (None, None))):
        image = keras.Input((*size, 3))
        x = keras.layers.Conv2D(4, 3, strides=2)(image)
        network = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
        network.save(tmp_path / f"{name}.keras")
    (tmp_path / "broken.keras").write_bytes(b"no network")
    return tmp_path


def test_selected_experiments_include_their_prerequisites() -> None:
    preset = select(QUICK, ["distilled", "dropout"], None)
    names = [each.name for each in preset.experiments]
    assert names == [
        "mobilenetv2-frozen", "efficientnetlite0-frozen", "efficientnetlite0-fine-tuned",
        "distilled", "dropout",
    ]  # fmt: skip
    assert preset.epochs == QUICK.epochs
    beside = select(QUICK, ["distilled"], 2, include_preset=True)
    assert beside.experiments[: len(QUICK.experiments)] == QUICK.experiments
    assert beside.experiments[-1] == DISTILLED
    assert (beside.repeats, beside.repeat_all) == (2, True)
    assert select(QUICK, [], None) == QUICK


def test_the_error_for_an_unknown_name_refers_to_the_list() -> None:
    with pytest.raises(DataError, match=r"no experiment dropuot.*--list"):
        select(QUICK, ["dropuot"], None)


def test_the_list_names_every_experiment_with_its_change() -> None:
    lines = "\n".join(list_experiments(QUICK))
    for each in ALL_EXPERIMENTS:
        assert f"{each.name} " in lines
        assert each.change in lines


def test_networks_of_the_user_are_added(weights: Path) -> None:
    preset = with_local_networks(PRESETS["full"], weights)
    more = preset.experiments[len(PRESETS["full"].experiments) :]
    assert [each.name for each in more] == [
        "any size-frozen", "any size-fine-tuned", "mine-frozen", "mine-fine-tuned",
    ]  # fmt: skip
    assert isinstance(more[2], FrozenTransfer)
    assert isinstance(more[3], FineTuning)
    assert more[2].input == more[3].input == (64, 80)
    network = pretrained("mine", (64, 80), weights)
    assert network.output_shape == (None, 4)


def test_the_error_for_an_unusable_network_names_the_reason(weights: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="64×80"):
        pretrained("mine", (96, 96), weights)
    with pytest.raises(WeightsUnavailable, match=r"broken\.keras cannot be read"):
        pretrained("broken", (96, 96), weights)
    with pytest.raises(WeightsUnavailable, match="BELVEDERE_WEIGHTS"):
        pretrained("absent", (96, 96), weights)


# Computed by an earlier version: with other keys, every finished run would be trained again.
KEYS = {
    "baseline": "b9b13559ec97",
    "cutmix": "b64be292f362",
    "early-stopping": "67662c6f9b4b",
    "larger-input": "1637c911e584",
    "residual-recipe": "f85bffbbad5c",
    "scenes-fine-tuned": "0ae90f0b7056",
    "mobilenetv2-frozen": "cd4cfcc6c7bc",
    "both-frozen-augmented": "977bb9a0c7dd",
    "mobilenetv2-top": "5a5e895ee23f",
    "efficientnetlite0-averaged": "116c0a5e9134",
    "distilled": "09eadb7d5c36",
}


def test_keys_of_runs_are_those_of_earlier_versions() -> None:
    declared = {each.name: each for each in ALL_EXPERIMENTS if not isinstance(each, Combination)}
    keys = {name: experiment_key(declared[name], {"data": "d", "seed": 0})[:12] for name in KEYS}
    assert keys == KEYS


def test_a_run_stays_valid_when_a_technique_is_added_and_not_when_one_is_switched_on() -> None:
    key = experiment_key(BASELINE, {"seed": 0})
    assert key == experiment_key(replace(BASELINE, mixing=()), {"seed": 0})
    assert key != experiment_key(replace(BASELINE, mixing=("mixup",)), {"seed": 0})
    assert key != experiment_key(BASELINE, {"seed": 1})
    assert experiment_key(DROPOUT, {}) != experiment_key(replace(DROPOUT, dropout=0.4), {})
