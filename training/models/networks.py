"""Networks trained from scratch."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
from keras import layers

from training.models.heads import POOLED, with_head


@dataclass(frozen=True)
class Regularisation:
    """Regularisation techniques that are layers of the network."""

    dropout: float = 0.0
    spatial_dropout: float = 0.0
    batch_norm: bool = False
    stochastic_depth: float = 0.0
    """Probability to skip the last residual block (Huang et al. 2016); other networks have none."""
    squeeze_excitation: bool = False
    """Weights of the channels of a residual block (Hu et al. 2018); other networks have none."""
    blur_pooling: bool = False
    """Blur before the stride of pooling (Zhang 2019)."""


NONE = Regularisation()
_REDUCTION = 8
"""Factor between the channels of a block and the units that weigh them."""

InputSize = tuple[int | None, int | None]
"""Height and width in pixels; None for any."""

Network = Callable[[InputSize, int, Regularisation], keras.Model]
"""Builder of a network from input size (height, width), number of classes and regularisation.

Input: uint8 pixels of shape (n, height, width, 3); output: probabilities of shape (n, classes).
"""


def convnet(size: InputSize, classes: int, techniques: Regularisation = NONE) -> keras.Model:
    """Build four convolutions, global average pooling and a dense layer: 383 k parameters.

    The stem combines a stride with pooling (He et al. 2015), which allows a larger input at the
    same cost.
    """
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = _convolution(x, 32, techniques, kernel=5, strides=2)
    for filters in (64, 128, 224):
        x = _pooling(x, techniques)
        x = _convolution(x, filters, techniques)
    return _with_default_head(image, x, classes, techniques)


def residual(size: InputSize, classes: int, techniques: Regularisation = NONE) -> keras.Model:
    """Build a stem and three residual blocks of two convolutions: 690 k parameters.

    Method: He et al. 2015. Batch normalisation is part of the architecture.
    """
    techniques = _normalised(techniques)
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = _convolution(x, 32, techniques, kernel=5, strides=2)
    stages = (48, 96, 192)
    for number, filters in enumerate(stages, 1):
        x = _pooling(x, techniques)
        x = _block(x, filters, techniques, techniques.stochastic_depth * number / len(stages))
    return _with_default_head(image, x, classes, techniques)


def separable(size: InputSize, classes: int, techniques: Regularisation = NONE) -> keras.Model:
    """Build a stem and six depthwise-separable convolutions: 194 k parameters.

    Method: Howard et al. 2017. Batch normalisation is part of the architecture.
    """
    techniques = _normalised(techniques)
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = _convolution(x, 32, techniques, kernel=5, strides=2)
    for filters, strides in ((64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        x = layers.DepthwiseConv2D(3, strides, "same", use_bias=False)(x)
        x = layers.ReLU()(_normalisation(x))
        x = _convolution(x, filters, techniques, kernel=1)
    return _with_default_head(image, x, classes, techniques)


NETWORKS: dict[str, Network] = {
    "convnet": convnet, "residual": residual, "separable": separable
}  # fmt: skip


def _with_default_head(
    image: keras.KerasTensor, x: keras.KerasTensor, classes: int, techniques: Regularisation
) -> keras.Model:
    x = layers.GlobalAveragePooling2D(name=POOLED)(x)
    return with_head(image, x, classes, hidden=128, dropout=techniques.dropout)


def _pooling(x: keras.KerasTensor, techniques: Regularisation) -> keras.KerasTensor:
    if not techniques.blur_pooling:
        return layers.MaxPooling2D()(x)
    x = layers.MaxPooling2D(2, strides=1, padding="same")(x)
    # Two means of two pixels are the binomial filter of three.
    x = layers.AveragePooling2D(2, strides=1, padding="same")(x)
    return layers.AveragePooling2D(2)(x)


def _block(
    x: keras.KerasTensor, filters: int, techniques: Regularisation, skipped: float
) -> keras.KerasTensor:
    """Return a residual block, which is skipped with a probability in training."""
    shortcut = _normalisation(layers.Conv2D(filters, 1, use_bias=False)(x))
    x = _convolution(x, filters, techniques)
    x = _convolution(x, filters, techniques, activated=False)
    if techniques.squeeze_excitation:
        x = layers.Multiply()([x, _channel_weights(x, filters)])
    if skipped:
        x = layers.Dropout(skipped, noise_shape=(None, 1, 1, 1))(x)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _channel_weights(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    means = layers.GlobalAveragePooling2D(keepdims=True)(x)
    hidden = layers.Dense(filters // _REDUCTION, "relu", kernel_initializer="he_normal")(means)
    return layers.Dense(filters, "sigmoid")(hidden)


def _convolution(
    x: keras.KerasTensor,
    filters: int,
    techniques: Regularisation,
    kernel: int = 3,
    strides: int = 1,
    *,
    activated: bool = True,
) -> keras.KerasTensor:
    normalised = techniques.batch_norm
    x = layers.Conv2D(
        filters, kernel, strides, "same", use_bias=not normalised, kernel_initializer="he_normal"
    )(x)
    if normalised:
        x = _normalisation(x)
    if activated:
        x = layers.ReLU()(x)
    if techniques.spatial_dropout:
        x = layers.SpatialDropout2D(techniques.spatial_dropout)(x)
    return x


def _normalised(techniques: Regularisation) -> Regularisation:
    return replace(techniques, batch_norm=True)


def _normalisation(x: keras.KerasTensor) -> keras.KerasTensor:
    # An epoch has few steps; with Keras' default of 0.99 the statistics lag behind the weights.
    return layers.BatchNormalization(momentum=0.9)(x)
