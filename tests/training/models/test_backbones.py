from pathlib import Path

import keras
import pytest

from training.models.backbones import WeightsUnavailable, pretrained
from training.models.heads import with_head

SIZE = (96, 96)
_FILE = "mobilenet_v2_1.0_224_no_top.weights.h5"


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with random weights of MobileNetV2, since none are downloaded."""
    folder = tmp_path_factory.mktemp("weights")
    backbone = keras.applications.MobileNetV2(
        input_shape=(*SIZE, 3), include_top=False, pooling="avg", weights=None
    )
    backbone.save_weights(folder / _FILE)
    return folder


def test_a_small_head_follows_the_pooled_features_of_mobilenet(random_weights: Path) -> None:
    network = pretrained("MobileNetV2", SIZE, random_weights)
    assert network.output_shape == (None, 1280)
    assert network.count_params() == 2_257_984
    features = keras.Input(network.output_shape[1:])
    head = with_head(features, features, classes=7, hidden=256, dropout=0.5)
    assert head.count_params() == 1280 * 256 + 256 + 256 * 7 + 7


def test_a_damaged_weight_file_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / _FILE).write_bytes(b"no weights")
    with pytest.raises(WeightsUnavailable, match="BELVEDERE_WEIGHTS"):
        pretrained("MobileNetV2", SIZE, tmp_path)
