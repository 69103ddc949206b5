"""Networks of our own, each ending in a layer `embedding` and class probabilities."""

from collections.abc import Callable

import keras
from keras import layers

from training.experiments import Size

EMBEDDING = "embedding"
PROBABILITIES = "probabilities"

Network = Callable[[Size, int, float], keras.Model]
"""Builds a network from its input size, number of classes and dropout rate."""


def convnet(size: Size, classes: int, dropout: float = 0.0) -> keras.Model:
    """Build four convolutions, global average pooling and a dense layer: 383 k parameters.

    Takes uint8 pixels of shape (n, height, width, 3), gives probabilities of shape (n, classes).
    The stem strides and pools at once (He et al. 2015): what is saved at full size pays for a
    larger input.
    """
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = _convolution(32, kernel=5, strides=2)(x)
    for filters in (64, 128, 224):
        x = layers.MaxPooling2D()(x)
        x = _convolution(filters)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return with_head(image, x, classes, hidden=128, dropout=dropout)


NETWORKS: dict[str, Network] = {"convnet": convnet}


def with_head(
    image: keras.KerasTensor,
    features: keras.KerasTensor,
    classes: int,
    hidden: int,
    dropout: float,
) -> keras.Model:
    """Close a network: a dense layer as the embedding, then the probabilities of the classes."""
    x = layers.Dropout(dropout)(features) if dropout else features
    dense = layers.Dense(hidden, "relu", kernel_initializer="he_normal", name=EMBEDDING)
    embedding = dense(x)
    x = layers.Dropout(dropout)(embedding) if dropout else embedding
    probabilities = layers.Dense(classes, "softmax", name=PROBABILITIES)(x)
    return keras.Model(image, probabilities)


def encoder_of(network: keras.Model) -> keras.Model:
    """The same network with two outputs: the penultimate layer and the probabilities."""
    return keras.Model(network.input, [network.get_layer(EMBEDDING).output, network.output])


def _convolution(filters: int, kernel: int = 3, strides: int = 1) -> layers.Layer:
    return layers.Conv2D(
        filters, kernel, strides, "same", activation="relu", kernel_initializer="he_normal"
    )
