"""Trainer of networks from scratch, optionally pretrained on scenes or without labels."""

from dataclasses import replace
from time import perf_counter

import keras
import numpy as np

from embeddings.release.reports import Curves
from training.data.generated import generate_scenes
from training.experiments.config import FromScratch
from training.models.augmentation import augmented
from training.models.heads import PROBABILITIES
from training.models.networks import NETWORKS, InputSize, Regularisation
from training.trainers.context import (
    TrainingContext,
    TrainingResult,
    split_examples,
    training_result,
)
from training.trainers.fit import (
    Examples,
    OnEpoch,
    Stage,
    TrainConfig,
    fit,
    fit_stages,
    one_hot,
)
from training.trainers.self_supervised import pretrain

_SCENES_TUNING_SHARE = 0.1
_FIRST_STRENGTH = 0.5
_RISE = 0.3
"""Share of the epochs with a rising learning rate in one cycle (Smith and Topin 2019)."""


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
    if experiment.self_supervised:
        epochs = _epochs(context, experiment.self_supervised)
        pretrain(network, pixels[data.indices.fit], replace(config, epochs=epochs), on_epoch)
    if experiment.first_inputs:
        curves = _fit_by_size(network, experiment, config, context, on_epoch)
    else:
        augmented_network = augmented(network, experiment.augmentation, context.seed)
        curves = fit(augmented_network, *split_examples(pixels, data), config, on_epoch)
    seconds = perf_counter() - start
    return training_result(network, network, pixels, data, curves, seconds)


def _build(experiment: FromScratch, classes: int, size: InputSize | None = None) -> keras.Model:
    techniques = Regularisation(
        experiment.dropout,
        experiment.spatial_dropout,
        experiment.batch_norm,
        experiment.stochastic_depth,
        experiment.squeeze_excitation,
        experiment.blur_pooling,
    )
    return NETWORKS[experiment.network](size or experiment.input, classes, techniques)


def _fit_by_size(
    network: keras.Model,
    experiment: FromScratch,
    config: TrainConfig,
    context: TrainingContext,
    on_epoch: OnEpoch,
) -> Curves:
    """Train with images of rising size and augmentation of rising strength.

    Method: progressive learning (Tan and Le 2021).
    """
    data = context.dataset
    shared = _build(experiment, len(data.classes), (None, None))
    shared.set_weights(network.get_weights())
    sizes = (*experiment.first_inputs, experiment.input)
    lengths = np.diff(np.linspace(0, config.epochs, len(sizes) + 1).round().astype(int))
    stages = [
        Stage(
            augmented(shared, experiment.augmentation, context.seed + number, strength, size),
            *split_examples(data.pixels(size), data),
            int(length),
        )
        for number, (size, length, strength) in enumerate(
            zip(sizes, lengths, np.linspace(_FIRST_STRENGTH, 1, len(sizes)).tolist(), strict=True)
        )
    ]
    curves = fit_stages(stages, config, on_epoch)
    network.set_weights(shared.get_weights())
    return curves


def _config(experiment: FromScratch, context: TrainingContext) -> TrainConfig:
    epochs = _epochs(context, experiment.length)
    return TrainConfig(
        epochs=epochs,
        batch=experiment.batch,
        learning_rate=experiment.learning_rate,
        warm_up=round(_RISE * epochs) if experiment.one_cycle else experiment.warm_up,
        weight_decay=experiment.weight_decay,
        label_smoothing=experiment.label_smoothing,
        averaging=experiment.averaging,
        early_stopping=experiment.early_stopping,
        class_weights=experiment.class_weights,
        mixing=experiment.mixing,
        seed=context.seed,
    )


def _epochs(context: TrainingContext, factor: float) -> int:
    return max(1, round(context.epochs * factor))


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
