"""Keras layers for augmentation that Keras lacks or computes slowly: each is one operation."""

import math

import keras
from keras import layers, ops

_RATIO = 4 / 3
"""Highest factor between the aspect ratios of a crop and of the image."""
_TINT = 0.25
"""Range of the factors of single channels, relative to that of brightness."""


class RandomResizedCrop(layers.Layer):  # type: ignore[misc]
    """Random crop that is scaled to the size of the image, and flipped in half of the images.

    The area of a crop is at least the share `least` of the image. Method: Szegedy et al. 2015.
    """

    def __init__(self, least: float, seed: int) -> None:
        super().__init__()
        self._least = least
        self._seed = keras.random.SeedGenerator(seed)

    def call(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Return the crops of images of shape (n, height, width, 3), in training only."""
        if not training:
            return images
        height, width = images.shape[1:3]
        area, ratio, top, left, flip = ops.unstack(
            keras.random.uniform((5, ops.shape(images)[0]), seed=self._seed), axis=0
        )
        area = self._least + (1 - self._least) * area
        ratio = ops.exp((2 * ratio - 1) * math.log(_RATIO))
        tall, wide = (ops.minimum(1.0, ops.sqrt(each)) for each in (area / ratio, area * ratio))
        flipped = flip < 0.5
        first = (1 - wide) * left * (width - 1)
        zero = ops.zeros_like(tall)
        transform = (
            ops.where(flipped, -wide, wide), zero,
            ops.where(flipped, first + wide * (width - 1), first),
            zero, tall, (1 - tall) * top * (height - 1),
            zero, zero,
        )  # fmt: skip
        return ops.image.affine_transform(images, ops.stack(transform, axis=1), fill_mode="nearest")


class RandomColours(layers.Layer):  # type: ignore[misc]
    """Random saturation, contrast, brightness and tint, each by a factor near 1.

    The factors are in 1 ± `strength`, those of the tint in a quarter of that range.
    """

    def __init__(self, strength: float, seed: int) -> None:
        super().__init__()
        self._strength = strength
        self._seed = keras.random.SeedGenerator(seed)

    def call(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Return images of shape (n, height, width, 3), values 0-255, changed in training only."""
        if not training:
            return images
        count = ops.shape(images)[0]
        saturation, contrast, brightness = ops.unstack(self._factors((3, count, 1, 1, 1)), axis=0)
        grey = ops.mean(images, axis=-1, keepdims=True)
        saturated = grey + saturation * (images - grey)
        mean = ops.mean(grey, axis=(1, 2, 3), keepdims=True)
        contrasted = brightness * mean + contrast * (saturated - mean)
        return ops.clip(contrasted * self._factors((count, 1, 1, 3), _TINT), 0, 255)

    def _factors(self, shape: tuple[int, ...], share: float = 1.0) -> keras.KerasTensor:
        range_ = share * self._strength
        return keras.random.uniform(shape, 1 - range_, 1 + range_, seed=self._seed)
