"""Trainer of networks from scratch, optionally pretrained on generated scenes."""

from dataclasses import replace
from time import perf_counter

import keras
import numpy as np

from training.data.generated import generate_scenes
from training.experiments.config import FromScratch
from training.models.augmentation import augmented
from training.models.networks import NETWORKS, PROBABILITIES, Regularisation
from training.trainers.context import (
    TrainingContext,
    TrainingResult,
    split_examples,
    training_result,
)
from training.trainers.fit import Examples, OnEpoch, TrainConfig, fit, one_hot

_SCENES_TUNING_SHARE = 0.1


def train_from_scratch(
    experiment: FromScratch, context: TrainingContext, on_epoch: OnEpoch
) -> TrainingResult:
    """Train a network from random weights with the techniques of its experiment."""
    data = context.dataset
    pixels = data.pixels(experiment.input)
    start = perf_counter()
    network = _build(experiment, len(data.classes))
    config = _config(experiment, context)
    if experiment.scenes:
        _pretrain_on_scenes(network, experiment, config, context, on_epoch)
    augmented_network = augmented(network, experiment.augmentation, context.seed)
    fitted, tuning = split_examples(pixels, data)
    curves = fit(augmented_network, fitted, tuning, config, on_epoch)
    seconds = perf_counter() - start
    return training_result(network, network, pixels, data, curves, seconds)


def _build(experiment: FromScratch, classes: int) -> keras.Model:
    techniques = Regularisation(
        experiment.dropout, experiment.spatial_dropout, experiment.batch_norm
    )
    return NETWORKS[experiment.network](experiment.input, classes, techniques)


def _config(experiment: FromScratch, context: TrainingContext) -> TrainConfig:
    return TrainConfig(
        epochs=max(1, round(context.epochs * experiment.length)),
        batch=experiment.batch,
        learning_rate=experiment.learning_rate,
        warm_up=experiment.warm_up,
        weight_decay=experiment.weight_decay,
        label_smoothing=experiment.label_smoothing,
        averaging=experiment.averaging,
        early_stopping=experiment.early_stopping,
        class_weights=experiment.class_weights,
        mixing=experiment.mixing,
        seed=context.seed,
    )


def _pretrain_on_scenes(
    network: keras.Model,
    experiment: FromScratch,
    config: TrainConfig,
    context: TrainingContext,
    on_epoch: OnEpoch,
) -> None:
    """Train the network on generated scenes and keep the initial weights of its last layer."""
    last = network.get_layer(PROBABILITIES)
    initial = last.get_weights()
    scenes = generate_scenes(
        experiment.scenes, experiment.input, context.seed, context.dataset.track
    )
    pretrained = _build(experiment, len(scenes.classes))
    order = np.random.default_rng(context.seed).permutation(len(scenes.labels))
    tuning = order[: round(len(order) * _SCENES_TUNING_SHARE)]
    fitted = order[len(tuning) :]
    targets = one_hot(scenes.labels, len(scenes.classes))
    fit(
        augmented(pretrained, experiment.augmentation, context.seed),
        Examples(scenes.pixels[fitted], targets[fitted]),
        Examples(scenes.pixels[tuning], targets[tuning]),
        replace(config, early_stopping=None),
        on_epoch,
    )
    for layer, source in zip(network.layers, pretrained.layers, strict=True):
        if layer is not last:
            layer.set_weights(source.get_weights())
    last.set_weights(initial)
