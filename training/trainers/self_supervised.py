"""Self-supervised pretraining of a network on images without labels."""

import keras
import numpy as np
from keras import layers, ops

from embeddings.arrays import Pixels
from training.models.augmentation import augmented
from training.models.heads import POOLED
from training.trainers.fit import OnEpoch, TrainConfig, epoch_callback, make_optimizer

_VIEW = ("crop", "colours")
_STRENGTH = 1.5
"""Strength of the augmentation, relative to that of supervised training."""
_DIMENSION = 256
_BOTTLENECK = 64
_SECOND_SEED = 1000


def pretrain(network: keras.Model, pixels: Pixels, config: TrainConfig, on_epoch: OnEpoch) -> None:
    """Train the layers of a network up to its pooled features, in place.

    Two augmented views of each image of `pixels`, shape (n, height, width, 3), are to predict the
    features of each other. Method: Chen and He 2021 (SimSiam).
    """
    siamese = _siamese(network, config.seed)
    siamese.compile(optimizer=make_optimizer(config, len(pixels)), loss=_difference)
    siamese.fit(
        pixels,
        np.zeros(len(pixels), np.float32),
        batch_size=config.batch,
        epochs=config.epochs,
        callbacks=[epoch_callback(config.epochs, on_epoch)],
        verbose=0,
    )


def _siamese(network: keras.Model, seed: int) -> keras.Model:
    """Return a model from images to predictions and targets: shape (n, 2 views, 2, dimension)."""
    backbone = keras.Model(network.input, network.get_layer(POOLED).output)
    project = keras.Sequential(
        [
            layers.Dense(_DIMENSION, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Dense(_DIMENSION, use_bias=False),
            layers.BatchNormalization(momentum=0.9, center=False, scale=False),
        ]
    )
    predict = keras.Sequential(
        [
            layers.Dense(_BOTTLENECK, use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.Dense(_DIMENSION),
        ]
    )
    image = keras.Input(network.input_shape[1:], dtype="uint8", name="image")
    views = [augmented(backbone, _VIEW, each, _STRENGTH) for each in (seed, seed + _SECOND_SEED)]
    targets = [project(view(image)) for view in views]
    predictions = [predict(each) for each in targets]
    pairs = zip(predictions, reversed(targets), strict=True)
    stacked = [ops.stack([one, ops.stop_gradient(other)], axis=1) for one, other in pairs]
    return keras.Model(image, ops.stack(stacked, axis=1))


def _difference(unused: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean of the negative cosines between predictions and targets: shape (n,)."""
    directions = ops.normalize(outputs, axis=-1)
    cosines = ops.sum(directions[:, :, 0] * directions[:, :, 1], axis=-1)
    return -ops.mean(cosines, axis=1)
