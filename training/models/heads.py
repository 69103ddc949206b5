"""Heads of networks: the last layers are pooling, embedding and probabilities."""

from typing import Literal

import keras
import numpy as np
from keras import layers
from sklearn.decomposition import PCA

from embeddings.arrays import Floats

POOLED = "pooled"
PROJECTION = "projection"
EMBEDDING = "embedding"
PROBABILITIES = "probabilities"

HeadKind = Literal["dense", "cosine", "whitening"]

COSINE_SCALE = 16.0
"""Factor of the cosines, which are the logits of a head with an embedding of length 1."""
_LEAST_DEVIATION = 1e-4
"""Standard deviation of a used component, relative to that of the first one."""


def with_head(
    image: keras.KerasTensor,
    features: keras.KerasTensor,
    classes: int,
    hidden: int,
    dropout: float,
    kind: HeadKind = "dense",
) -> keras.Model:
    """Return the network with a head: the embedding, then class probabilities.

    `dense`: the embedding is a layer of `hidden` units, or the features if `hidden` is 0. `cosine`:
    the embedding is a projection on `hidden` dimensions of length 1, and the logits are its cosines
    with a vector for each class (Wang et al. 2017, NormFace). `whitening`: the same with a
    projection that is not trained; see `whitening`.
    """
    x = layers.Dropout(dropout)(features) if dropout else features
    if kind != "dense":
        project = layers.Dense(hidden, name=PROJECTION, trainable=kind == "cosine")
        x = layers.UnitNormalization(name=EMBEDDING)(project(x))
        x = layers.Rescaling(COSINE_SCALE)(x)
        last = layers.Dense(
            classes, "softmax", use_bias=False, name=PROBABILITIES,
            kernel_constraint=keras.constraints.UnitNorm(axis=0),
        )  # fmt: skip
        return keras.Model(image, last(x))
    if hidden:
        dense = layers.Dense(hidden, "relu", kernel_initializer="he_normal", name=EMBEDDING)
        embedding = dense(x)
        x = layers.Dropout(dropout)(embedding) if dropout else embedding
    else:
        x = layers.Identity(name=EMBEDDING)(x)
    probabilities = layers.Dense(classes, "softmax", name=PROBABILITIES)(x)
    return keras.Model(image, probabilities)


def whitening(features: Floats, dimension: int) -> tuple[Floats, Floats]:
    """Return the weights and the bias of a projection on whitened principal components.

    Takes features of shape (n, size) and returns arrays of shape (size, dimension) and
    (dimension,). The projected features have mean 0 and covariance 1, and 0 in dimensions without
    variance. Method: Jégou and Chum 2012.
    """
    analysis = PCA(svd_solver="full").fit(features.astype(np.float64))
    deviations = np.sqrt(analysis.explained_variance_[:dimension])
    used = np.flatnonzero(deviations > _LEAST_DEVIATION * deviations.max(initial=0.0))
    weights = np.zeros((features.shape[1], dimension))
    weights[:, used] = analysis.components_[used].T / deviations[used]
    return weights.astype(np.float32), (-analysis.mean_ @ weights).astype(np.float32)


def copy_head(head: keras.Model, network: keras.Model) -> None:
    """Copy the weights of a head into a network with the same head."""
    for layer in head.layers:
        if layer.name in (PROJECTION, EMBEDDING, PROBABILITIES):
            network.get_layer(layer.name).set_weights(layer.get_weights())


def encoder_of(network: keras.Model) -> keras.Model:
    """Return the network with two outputs: the embedding and the probabilities."""
    return keras.Model(network.input, [network.get_layer(EMBEDDING).output, network.output])
