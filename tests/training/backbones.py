"""Small pretrained networks, in place of those that are downloaded."""

from pathlib import Path

import keras

SIZE = (32, 48)
"""Height and width in pixels of their input."""


def write_backbone(folder: Path, name: str = "mine", *, filters: int = 8, seed: int = 1) -> None:
    """Write `<name>.keras`: one convolution with random weights, pooled to `filters` features."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((*SIZE, 3))
    x = keras.layers.Conv2D(filters, 5, strides=4, activation="relu")(image)
    network = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    folder.mkdir(exist_ok=True)
    network.save(folder / f"{name}.keras")
