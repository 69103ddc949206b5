"""Augmentation: regularisation techniques that change the training images."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers

from embeddings.arrays import Floats, Pixels
from embeddings.images import Size
from training.models.random_layers import RandomColours, RandomResizedCrop

_RANGE = (0, 255)

AUGMENTATIONS: dict[str, Callable[[int, float], layers.Layer]] = {
    "flip": lambda seed, strength: layers.RandomFlip("horizontal", seed=seed),
    "shift": lambda seed, strength: layers.RandomTranslation(
        0.1 * strength, 0.1 * strength, fill_mode="reflect", seed=seed
    ),
    "zoom": lambda seed, strength: layers.RandomZoom(
        (-0.2 * strength, 0.1 * strength), fill_mode="reflect", seed=seed
    ),
    "crop": lambda seed, strength: RandomResizedCrop(1 - 0.5 * strength, seed=seed),
    "jitter": lambda seed, strength: layers.RandomColorJitter(
        value_range=_RANGE, brightness_factor=0.2 * strength, contrast_factor=0.3 * strength,
        saturation_factor=(0.5 - 0.15 * strength, 0.5 + 0.15 * strength),
        hue_factor=0.03 * strength, seed=seed,
    ),
    "colours": lambda seed, strength: RandomColours(0.3 * strength, seed=seed),
    "randaugment": lambda seed, strength: layers.RandAugment(
        value_range=_RANGE, num_ops=2, factor=0.3 * strength, seed=seed
    ),
    "erasing": lambda seed, strength: layers.RandomErasing(
        factor=0.5 * strength, scale=(0.02, 0.2), value_range=_RANGE, seed=seed
    ),
}  # fmt: skip
"""Builders of layers from seed and strength; 1 is the full strength."""

MIXINGS: dict[str, Callable[[int], layers.Layer]] = {
    "mixup": lambda seed: layers.MixUp(alpha=0.2, seed=seed),
    "cutmix": lambda seed: layers.CutMix(factor=1.0, seed=seed),
}


def augmented(
    network: keras.Model,
    names: Sequence[str],
    seed: int,
    strength: float = 1.0,
    size: Size | None = None,
) -> keras.Model:
    """Return a network with augmentation layers before `network`, whose weights it shares.

    The layers are active in training only; `network` itself is exported and served. For a network
    without a fixed input size, `size` is that of the images, (height, width).
    """
    if not names:
        return network
    image = keras.Input(
        network.input_shape[1:] if size is None else (*size, 3), dtype="uint8", name="image"
    )
    x = layers.Rescaling(1.0)(image)
    for number, name in enumerate(names):
        layer = AUGMENTATIONS[name](seed + number, strength)
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
