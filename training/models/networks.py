"""Networks trained from scratch; the last layers are pooling, embedding and probabilities."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers

from embeddings.images import Size

POOLED = "pooled"
EMBEDDING = "embedding"
PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class Regularisation:
    """Regularisation techniques that are layers of the network."""

    dropout: float = 0.0
    spatial_dropout: float = 0.0
    batch_norm: bool = False


NONE = Regularisation()
Network = Callable[[Size, int, Regularisation], keras.Model]
"""Builder of a network from input size (height, width), number of classes and regularisation.

Input: uint8 pixels of shape (n, height, width, 3); output: probabilities of shape (n, classes).
"""


def convnet(size: Size, classes: int, techniques: Regularisation = NONE) -> keras.Model:
    """Build four convolutions, global average pooling and a dense layer: 383 k parameters.

    The stem combines a stride with pooling (He et al. 2015), which allows a larger input at the
    same cost.
    """
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = _convolution(x, 32, techniques, kernel=5, strides=2)
    for filters in (64, 128, 224):
        x = layers.MaxPooling2D()(x)
        x = _convolution(x, filters, techniques)
    return _with_default_head(image, x, classes, techniques)


def residual(size: Size, classes: int, techniques: Regularisation = NONE) -> keras.Model:
    """Build a stem and three residual blocks of two convolutions: 690 k parameters.

    Method: He et al. 2015. Batch normalisation is part of the architecture.
    """
    techniques = _normalised(techniques)
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = _convolution(x, 32, techniques, kernel=5, strides=2)
    for filters in (48, 96, 192):
        x = layers.MaxPooling2D()(x)
        shortcut = _normalisation(layers.Conv2D(filters, 1, use_bias=False)(x))
        x = _convolution(x, filters, techniques)
        x = _convolution(x, filters, techniques, activated=False)
        x = layers.ReLU()(layers.Add()([x, shortcut]))
    return _with_default_head(image, x, classes, techniques)


def separable(size: Size, classes: int, techniques: Regularisation = NONE) -> keras.Model:
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


def with_head(
    image: keras.KerasTensor,
    features: keras.KerasTensor,
    classes: int,
    hidden: int,
    dropout: float,
) -> keras.Model:
    """Return the network with a head: a dense layer (the embedding), then class probabilities.

    If `hidden` is 0, the features are the embedding.
    """
    x = layers.Dropout(dropout)(features) if dropout else features
    if hidden:
        dense = layers.Dense(hidden, "relu", kernel_initializer="he_normal", name=EMBEDDING)
        embedding = dense(x)
        x = layers.Dropout(dropout)(embedding) if dropout else embedding
    else:
        x = layers.Identity(name=EMBEDDING)(x)
    probabilities = layers.Dense(classes, "softmax", name=PROBABILITIES)(x)
    return keras.Model(image, probabilities)


def encoder_of(network: keras.Model) -> keras.Model:
    """Return the network with two outputs: the embedding and the probabilities."""
    return keras.Model(network.input, [network.get_layer(EMBEDDING).output, network.output])


def _with_default_head(
    image: keras.KerasTensor, x: keras.KerasTensor, classes: int, techniques: Regularisation
) -> keras.Model:
    x = layers.GlobalAveragePooling2D(name=POOLED)(x)
    return with_head(image, x, classes, hidden=128, dropout=techniques.dropout)


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
    return Regularisation(techniques.dropout, techniques.spatial_dropout, batch_norm=True)


def _normalisation(x: keras.KerasTensor) -> keras.KerasTensor:
    # An epoch has few steps; with Keras' default of 0.99 the statistics lag behind the weights.
    return layers.BatchNormalization(momentum=0.9)(x)
