"""Trainer of pretrained networks: fine-tuning and distillation."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import keras
import numpy as np

from embeddings.arrays import Floats
from embeddings.runtime import CompiledModel
from training.data.dataset import Dataset
from training.experiments.config import FineTuning
from training.models.augmentation import augmented
from training.models.backbones import BACKBONE, side_by_side
from training.trainers.context import (
    TrainingContext,
    TrainingResult,
    split_examples,
    training_result,
)
from training.trainers.fit import Examples, Multiplier, OnEpoch, TrainConfig, fit, with_outputs_for
from training.trainers.head import attach_head, initial_head, load_backbones

_TEMPERATURE = 2.0
_TEACHER_SHARE = 0.5


def fine_tune(
    experiment: FineTuning, context: TrainingContext, on_epoch: OnEpoch
) -> TrainingResult:
    """Fine-tune the upper layers of a pretrained network, or all of them.

    Raises `WeightsUnavailable` or `TeacherMissing`.
    """
    data, classes = context.dataset, len(context.dataset.classes)
    teachers = [context.teacher(each) for each in experiment.teachers]
    pixels = data.pixels(experiment.input)
    networks = load_backbones(experiment, context.weights)
    head, seconds, reused = None, 0.0, 0.0
    if experiment.head_first:
        head, seconds, reused = initial_head(experiment, networks, context, on_epoch)
    network = attach_head(side_by_side(tuple(networks.values())), classes, experiment, head)
    rates = freeze([each.get_layer(BACKBONE) for each in networks.values()], experiment)
    fitted, tuning = split_examples(pixels, data)
    start = perf_counter()
    if teachers:
        fitted = replace(fitted, targets=_distillation_targets(teachers, fitted, data))
    config = TrainConfig(
        experiment.epochs,
        experiment.batch,
        experiment.learning_rate,
        warm_up=experiment.warm_up,
        weight_decay=experiment.weight_decay,
        label_smoothing=experiment.label_smoothing,
        metric=experiment.metric,
        multiplier=rates,
    )
    before = network.get_weights()
    trained = with_outputs_for(experiment.metric, network)
    augmented_network = augmented(trained, experiment.augmentation, context.seed)
    curves = fit(augmented_network, fitted, tuning, config, on_epoch)
    if experiment.averaged:
        network.set_weights(_average_weights(before, network.get_weights(), experiment.averaged))
    seconds += perf_counter() - start
    result = training_result(network, network, pixels, data, curves, seconds)
    return replace(result, reused_seconds=reused)


def _average_weights(before: list[Floats], after: list[Floats], share: float) -> list[Floats]:
    """Return weights interpolated between two models. Method: Wortsman et al. 2022."""
    return [share * old + (1 - share) * new for old, new in zip(before, after, strict=True)]


def freeze(networks: Sequence[keras.Model], experiment: FineTuning) -> Multiplier:
    """Freeze the layers of backbones below the trained share, and all batch normalisation.

    Returns the multiplier of the learning rate. It rises linearly through the trained layers of
    each backbone and is 1 for weights of other networks.
    """
    rates: dict[int, float] = {}
    for network in networks:
        weighted = [layer for layer in network.layers if layer.weights]
        frozen = len(weighted) - max(1, round(len(weighted) * experiment.share))
        steps = np.linspace(experiment.first_rate, 1.0, len(weighted) - frozen)
        for number, layer in enumerate(weighted):
            normalising = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = number >= frozen and not normalising
            for weight in layer.weights:
                rates[id(weight)] = float(steps[number - frozen]) if number >= frozen else 0.0
    return lambda weight: rates.get(id(weight), 1.0)


def _distillation_targets(teachers: list[CompiledModel], fitted: Examples, data: Dataset) -> Floats:
    """Return the mean of labels and teachers' probabilities. Method: Hinton et al. 2015."""
    rows = data.indices.fit
    predictions = []
    for teacher in teachers:
        pixels = data.pixels(teacher.size)[rows]
        for view in (pixels, pixels[:, :, ::-1]):
            predictions.append(np.concatenate([outputs[-1] for outputs in teacher.infer_all(view)]))
    soft = np.mean(predictions, axis=0) ** (1 / _TEMPERATURE)
    soft /= soft.sum(axis=1, keepdims=True)
    mixed: Floats = (1 - _TEACHER_SHARE) * fitted.targets + _TEACHER_SHARE * soft
    return mixed.astype(np.float32)
