"""Training on a pretrained network: a head on frozen features, fine-tuning, distillation."""

from dataclasses import replace
from time import perf_counter

import keras
import numpy as np

from embeddings.comparison import Curves
from embeddings.runtime import CompiledNetwork, Floats
from training.backbones import BACKBONE, pretrained, side_by_side
from training.circumstances import Circumstances, Layers, Trained, examples, trained
from training.dataset import Dataset
from training.experiments import FineTuning, FrozenTransfer, backbones
from training.fitting import Examples, Multiplier, OnEpoch, Plan, fit, one_hot, predict
from training.frozen import frozen_features
from training.networks import EMBEDDING, PROBABILITIES, with_head
from training.techniques import augmented

_SOFTENING = 2.0
_TEACHERS_SHARE = 0.5


def train_head(experiment: FrozenTransfer, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    """Train a head on frozen features. Raises `WeightsUnavailable`."""
    data, classes = given.dataset, len(given.dataset.classes)
    networks = {
        name: pretrained(name, experiment.input, given.weights) for name in backbones(experiment)
    }
    frozen = frozen_features(networks, data, experiment.input)
    fitted, tuning = examples(frozen.features, data)
    seconds = frozen.seconds
    for view in range(1, experiment.views + 1):
        varied = frozen_features(networks, data, experiment.input, view)
        targets = one_hot(data.labels[data.parts.fit], classes)
        fitted = Examples(
            np.concatenate([fitted.inputs, varied.features]),
            np.concatenate([fitted.targets, targets]),
        )
        seconds += varied.seconds
    start = perf_counter()
    head, curves = _fit_head(experiment, fitted, tuning, on_epoch)
    seconds += perf_counter() - start
    whole = _whole(side_by_side(tuple(networks.values())), classes, experiment, head)
    embedding = keras.Model(head.input, head.get_layer(EMBEDDING).output)
    layers = Layers(frozen.features, predict(embedding, frozen.features))
    return replace(trained(whole, head, frozen.features, data, curves, seconds), layers=layers)


def fine_tune(experiment: FineTuning, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    """Train a pretrained network on, from the depth that the declaration says.

    Raises `WeightsUnavailable` or `TeacherMissing`.
    """
    data, classes = given.dataset, len(given.dataset.classes)
    teachers = [given.teacher(each) for each in experiment.teachers]
    pixels = data.pixels(experiment.input)
    backbone = pretrained(experiment.backbone, experiment.input, given.weights)
    head, seconds = _learned_head(experiment, backbone, given, on_epoch)
    network = _whole(backbone, classes, experiment, head)
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


def _fit_head(
    experiment: FrozenTransfer, fitted: Examples, tuning: Examples, on_epoch: OnEpoch
) -> tuple[keras.Model, Curves]:
    """A head that takes features, trained on those of the examples, and its curves."""
    entry = keras.Input(fitted.inputs.shape[1:], name="features")
    classes = fitted.targets.shape[1]
    head = with_head(entry, entry, classes, experiment.hidden, experiment.dropout)
    plan = Plan(
        experiment.epochs,
        experiment.batch,
        experiment.learning_rate,
        early_stopping=experiment.early_stopping,
    )
    return head, fit(head, fitted, tuning, plan, on_epoch)


def _learned_head(
    experiment: FineTuning, backbone: keras.Model, given: Circumstances, on_epoch: OnEpoch
) -> tuple[keras.Model | None, float]:
    """The head to begin with, where it learns first, and the seconds that took.

    Else the first steps, taken with a random head, would distort the features (Kumar et al. 2022).
    """
    if not experiment.head_first:
        return None, 0.0
    alone = FrozenTransfer(
        name=f"{experiment.name}: head",
        change="",
        hidden=experiment.hidden,
    )
    frozen = frozen_features({experiment.backbone: backbone}, given.dataset, experiment.input)
    start = perf_counter()
    head, _ = _fit_head(alone, *examples(frozen.features, given.dataset), on_epoch)
    return head, frozen.seconds + perf_counter() - start


def _averaged(before: list[Floats], after: list[Floats], share: float) -> list[Floats]:
    """Weights between those of two networks. Method: Wortsman et al. 2022."""
    return [share * old + (1 - share) * new for old, new in zip(before, after, strict=True)]


def _whole(
    backbone: keras.Model,
    classes: int,
    experiment: FrozenTransfer | FineTuning,
    head: keras.Model | None = None,
) -> keras.Model:
    whole = with_head(
        backbone.input, backbone.output, classes, experiment.hidden, experiment.dropout
    )
    if head is not None:
        for name in (EMBEDDING, PROBABILITIES):
            whole.get_layer(name).set_weights(head.get_layer(name).get_weights())
    return whole


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
