"""Augmentation: regularisation techniques that change the training images."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers

from embeddings.arrays import Floats, Pixels

_RANGE = (0, 255)

AUGMENTATIONS: dict[str, Callable[[int], layers.Layer]] = {
    "flip": lambda seed: layers.RandomFlip("horizontal", seed=seed),
    "shift": lambda seed: layers.RandomTranslation(0.1, 0.1, fill_mode="reflect", seed=seed),
    "zoom": lambda seed: layers.RandomZoom((-0.2, 0.1), fill_mode="reflect", seed=seed),
    "jitter": lambda seed: layers.RandomColorJitter(
        value_range=_RANGE, brightness_factor=0.2, contrast_factor=0.3,
        saturation_factor=(0.35, 0.65), hue_factor=0.03, seed=seed,
    ),
    "randaugment": lambda seed: layers.RandAugment(
        value_range=_RANGE, num_ops=2, factor=0.3, seed=seed
    ),
    "erasing": lambda seed: layers.RandomErasing(
        factor=0.5, scale=(0.02, 0.2), value_range=_RANGE, seed=seed
    ),
}  # fmt: skip

MIXINGS: dict[str, Callable[[int], layers.Layer]] = {
    "mixup": lambda seed: layers.MixUp(alpha=0.2, seed=seed),
    "cutmix": lambda seed: layers.CutMix(factor=1.0, seed=seed),
}


def augmented(network: keras.Model, names: Sequence[str], seed: int) -> keras.Model:
    """Return a network with augmentation layers before `network`, whose weights it shares.

    The layers are active in training only; `network` itself is exported and served.
    """
    if not names:
        return network
    image = keras.Input(network.input_shape[1:], dtype="uint8", name="image")
    x = layers.Rescaling(1.0)(image)
    for number, name in enumerate(names):
        layer = AUGMENTATIONS[name](seed + number)
        _compile_on_jax(layer)
        x = layer(x)
    return keras.Model(image, network(x))


def _compile_on_jax(layer: layers.Layer) -> None:
    # Keras marks layers with an operation that XLA cannot compile for TensorFlow, on every backend.
    # With such a layer, JAX would run each operation of a training step on its own.
    if keras.backend.backend() == "jax":
        for each in layer._flatten_layers():
            each.supports_jit = True


class MixedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled batches with images and targets mixed in pairs (mixup, CutMix)."""

    def __init__(
        self, pixels: Pixels, targets: Floats, batch: int, names: Sequence[str], seed: int
    ) -> None:
        super().__init__()
        self._pixels, self._targets, self._batch = pixels, targets, batch
        self._layers = [MIXINGS[name](seed + number) for number, name in enumerate(names)]
        self._random = np.random.default_rng(seed)
        self._order = self._random.permutation(len(targets))

    def __len__(self) -> int:
        return -(-len(self._targets) // self._batch)

    def __getitem__(self, number: int) -> tuple[Pixels, Floats]:
        rows = self._order[number * self._batch : (number + 1) * self._batch]
        layer = self._layers[self._random.integers(len(self._layers))]
        mixed = layer(
            {"images": self._pixels[rows].astype(np.float32), "labels": self._targets[rows]},
            training=True,
        )
        images = np.rint(keras.ops.convert_to_numpy(mixed["images"]))
        return images.astype(np.uint8), keras.ops.convert_to_numpy(mixed["labels"])

    def on_epoch_end(self) -> None:
        """Shuffle the order of the examples."""
        self._order = self._random.permutation(len(self._targets))
