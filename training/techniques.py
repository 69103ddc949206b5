"""Techniques against overfitting that change what a network is shown."""

from collections.abc import Callable, Sequence

import keras
from keras import layers

AUGMENTATIONS: dict[str, Callable[[int], layers.Layer]] = {
    "flip": lambda seed: layers.RandomFlip("horizontal", seed=seed),
    "shift": lambda seed: layers.RandomTranslation(0.1, 0.1, fill_mode="reflect", seed=seed),
    "zoom": lambda seed: layers.RandomZoom((-0.2, 0.1), fill_mode="reflect", seed=seed),
}


def augmented(network: keras.Model, names: Sequence[str], seed: int) -> keras.Model:
    """Put augmentation before a network; they share weights, so the network itself is what serves.

    Augmentation acts in training only.
    """
    if not names:
        return network
    image = keras.Input(network.input_shape[1:], dtype="uint8", name="image")
    x = layers.Rescaling(1.0)(image)
    for number, name in enumerate(names):
        x = AUGMENTATIONS[name](seed + number)(x)
    return keras.Model(image, network(x))
