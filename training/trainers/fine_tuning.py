"""Training a pretrained network on: fine-tuning and distillation."""

from dataclasses import replace
from time import perf_counter

import keras
import numpy as np

from embeddings.arrays import Floats
from embeddings.runtime import CompiledNetwork
from training.data.dataset import Dataset
from training.experiments.config import FineTuning
from training.models.augmentation import augmented
from training.models.backbones import BACKBONE, pretrained
from training.trainers.context import Circumstances, Trained, examples, trained
from training.trainers.fit import Examples, Multiplier, OnEpoch, Plan, fit
from training.trainers.head import first_head, with_backbone

_SOFTENING = 2.0
_TEACHERS_SHARE = 0.5


def fine_tune(experiment: FineTuning, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    """Train a pretrained network on, from the depth that the declaration says.

    Raises `WeightsUnavailable` or `TeacherMissing`.
    """
    data, classes = given.dataset, len(given.dataset.classes)
    teachers = [given.teacher(each) for each in experiment.teachers]
    pixels = data.pixels(experiment.input)
    backbone = pretrained(experiment.backbone, experiment.input, given.weights)
    head, seconds = None, 0.0
    if experiment.head_first:
        head, seconds = first_head(experiment, backbone, given, on_epoch)
    network = with_backbone(backbone, classes, experiment, head)
    rates = freeze(backbone.get_layer(BACKBONE), experiment)
    fitted, tuning = examples(pixels, data)
    start = perf_counter()
    if teachers:
        fitted = replace(fitted, targets=_taught(teachers, fitted, data))
    plan = Plan(
        experiment.epochs,
        experiment.batch,
        experiment.learning_rate,
        warm_up=experiment.warm_up,
        weight_decay=experiment.weight_decay,
        label_smoothing=experiment.label_smoothing,
        multiplier=rates,
    )
    before = network.get_weights()
    shown = augmented(network, experiment.augmentation, given.seed)
    curves = fit(shown, fitted, tuning, plan, on_epoch)
    if experiment.averaged:
        network.set_weights(_averaged(before, network.get_weights(), experiment.averaged))
    seconds += perf_counter() - start
    return trained(network, network, pixels, data, curves, seconds)


def _averaged(before: list[Floats], after: list[Floats], share: float) -> list[Floats]:
    """Weights between those of two networks. Method: Wortsman et al. 2022."""
    return [share * old + (1 - share) * new for old, new in zip(before, after, strict=True)]


def freeze(inner: keras.Model, experiment: FineTuning) -> Multiplier:
    """Freeze the layers below the share that is trained, and all batch normalisation.

    Learning rates rise evenly through the others; weights of other networks learn at the full rate.
    """
    weighted = [layer for layer in inner.layers if layer.weights]
    frozen = len(weighted) - max(1, round(len(weighted) * experiment.share))
    steps = np.linspace(experiment.first_rate, 1.0, len(weighted) - frozen)
    rates: dict[int, float] = {}
    for number, layer in enumerate(weighted):
        normalising = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = number >= frozen and not normalising
        for weight in layer.weights:
            rates[id(weight)] = float(steps[number - frozen]) if number >= frozen else 0.0
    return lambda weight: rates.get(id(weight), 1.0)


def _taught(teachers: list[CompiledNetwork], fitted: Examples, data: Dataset) -> Floats:
    """Half the label, half what the teachers find probable. Method: Hinton et al. 2015."""
    rows = data.parts.fit
    answers = []
    for teacher in teachers:
        pixels = data.pixels(teacher.size)[rows]
        for view in (pixels, pixels[:, :, ::-1]):
            answers.append(np.concatenate([found[-1] for found in teacher.infer_all(view)]))
    soft = np.mean(answers, axis=0) ** (1 / _SOFTENING)
    soft /= soft.sum(axis=1, keepdims=True)
    mixed: Floats = (1 - _TEACHERS_SHARE) * fitted.targets + _TEACHERS_SHARE * soft
    return mixed.astype(np.float32)
