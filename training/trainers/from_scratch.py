"""Training a network of our own, from scratch or after generated scenes."""

from dataclasses import replace
from time import perf_counter

import keras
import numpy as np

from training.data.generated import generate_scenes
from training.experiments.config import OwnNetwork
from training.models.augmentation import augmented
from training.models.networks import NETWORKS, PROBABILITIES, Regularisation
from training.trainers.context import Circumstances, Trained, examples, trained
from training.trainers.fit import Examples, OnEpoch, Plan, fit, one_hot

_SCENES_HELD_OUT = 0.1


def train_own(experiment: OwnNetwork, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    """Train an own network with the techniques of its declaration."""
    data = given.dataset
    pixels = data.pixels(experiment.input)
    start = perf_counter()
    network = _build(experiment, len(data.classes))
    plan = _plan(experiment, given)
    if experiment.scenes:
        _learn_scenes(network, experiment, plan, given, on_epoch)
    shown = augmented(network, experiment.augmentation, given.seed)
    fitted, tuning = examples(pixels, data)
    curves = fit(shown, fitted, tuning, plan, on_epoch)
    seconds = perf_counter() - start
    return trained(network, network, pixels, data, curves, seconds)


def _build(experiment: OwnNetwork, classes: int) -> keras.Model:
    techniques = Regularisation(
        experiment.dropout, experiment.spatial_dropout, experiment.batch_norm
    )
    return NETWORKS[experiment.network](experiment.input, classes, techniques)


def _plan(experiment: OwnNetwork, given: Circumstances) -> Plan:
    return Plan(
        epochs=max(1, round(given.epochs * experiment.length)),
        batch=experiment.batch,
        learning_rate=experiment.learning_rate,
        warm_up=experiment.warm_up,
        weight_decay=experiment.weight_decay,
        label_smoothing=experiment.label_smoothing,
        averaging=experiment.averaging,
        early_stopping=experiment.early_stopping,
        class_weights=experiment.class_weights,
        mixing=experiment.mixing,
        seed=given.seed,
    )


def _learn_scenes(
    network: keras.Model,
    experiment: OwnNetwork,
    plan: Plan,
    given: Circumstances,
    on_epoch: OnEpoch,
) -> None:
    """Train on generated scenes, then forget their classes: the last layer starts anew."""
    last = network.get_layer(PROBABILITIES)
    fresh = last.get_weights()
    scenes = generate_scenes(experiment.scenes, experiment.input, given.seed, given.dataset.track)
    teacher = _build(experiment, len(scenes.classes))
    order = np.random.default_rng(given.seed).permutation(len(scenes.labels))
    held_out = order[: round(len(order) * _SCENES_HELD_OUT)]
    shown = order[len(held_out) :]
    targets = one_hot(scenes.labels, len(scenes.classes))
    fit(
        augmented(teacher, experiment.augmentation, given.seed),
        Examples(scenes.pixels[shown], targets[shown]),
        Examples(scenes.pixels[held_out], targets[held_out]),
        replace(plan, early_stopping=None),
        on_epoch,
    )
    for mine, theirs in zip(network.layers, teacher.layers, strict=True):
        if mine is not last:
            mine.set_weights(theirs.get_weights())
    last.set_weights(fresh)
