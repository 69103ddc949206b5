"""Running one experiment: from its declaration to a trained network and its figures."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import keras
import numpy as np

from embeddings.comparison import Curves
from embeddings.runtime import Floats
from training.backbones import frozen_features, mobilenet_v2
from training.dataset import Dataset, Rows
from training.experiments import Experiment, FrozenTransfer, OwnNetwork
from training.fitting import Examples, Inputs, OnEpoch, Plan, fit, predict
from training.networks import EMBEDDING, NETWORKS, PROBABILITIES, with_head
from training.techniques import augmented


@dataclass(frozen=True)
class Trained:
    """A trained network and what training it gave."""

    network: keras.Model
    """Pixels to probabilities."""
    trainable_parameters: int
    curves: Curves
    tuning: Floats
    """Probabilities of the tuning photographs, shape (t, classes)."""
    validation: Floats
    """Probabilities of the validation photographs, shape (v, classes)."""
    seconds: float
    """Wall-clock time of training, frozen features included, evaluation not."""


@dataclass(frozen=True)
class Circumstances:
    """What every experiment of a preset shares."""

    dataset: Dataset
    epochs: int
    seed: int
    weights: Path | None


def run(experiment: Experiment, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    """Train one experiment. Raises `WeightsUnavailable`."""
    keras.utils.set_random_seed(given.seed)
    match experiment:
        case OwnNetwork():
            return _train_own(experiment, given, on_epoch)
        case FrozenTransfer():
            return _train_head(experiment, given, on_epoch)


def _train_own(experiment: OwnNetwork, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    data = given.dataset
    pixels = data.pixels(experiment.input)
    start = perf_counter()
    build = NETWORKS[experiment.network]
    network = build(experiment.input, len(data.classes), experiment.dropout)
    shown = augmented(network, experiment.augmentation, given.seed)
    plan = Plan(given.epochs, experiment.batch, experiment.learning_rate, experiment.early_stopping)
    curves = _fit_parts(shown, pixels, data, plan, on_epoch)
    seconds = perf_counter() - start
    return _trained(network, network, pixels, data, curves, seconds)


def _train_head(experiment: FrozenTransfer, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    data = given.dataset
    backbone = mobilenet_v2(experiment.input, given.weights)
    frozen = frozen_features(backbone, data, experiment.input, experiment.backbone)
    features = frozen.features
    start = perf_counter()
    entry = keras.Input(features.shape[1:], name="features")
    classes = len(data.classes)
    head = with_head(entry, entry, classes, experiment.hidden, experiment.dropout)
    plan = Plan(
        experiment.epochs, experiment.batch, experiment.learning_rate, experiment.early_stopping
    )
    curves = _fit_parts(head, features, data, plan, on_epoch)
    seconds = frozen.seconds + perf_counter() - start
    whole = with_head(
        backbone.input, backbone.output, classes, experiment.hidden, experiment.dropout
    )
    for name in (EMBEDDING, PROBABILITIES):
        whole.get_layer(name).set_weights(head.get_layer(name).get_weights())
    return _trained(whole, head, features, data, curves, seconds)


def _fit_parts(
    network: keras.Model, inputs: Inputs, data: Dataset, plan: Plan, on_epoch: OnEpoch
) -> Curves:
    def examples(rows: Rows) -> Examples:
        return Examples(inputs[rows], data.labels[rows])

    return fit(network, examples(data.parts.fit), examples(data.parts.tuning), plan, on_epoch)


def _trained(
    network: keras.Model,
    fitted: keras.Model,
    inputs: Inputs,
    data: Dataset,
    curves: Curves,
    seconds: float,
) -> Trained:
    return Trained(
        network=network,
        trainable_parameters=sum(int(np.prod(w.shape)) for w in fitted.trainable_variables),
        curves=curves,
        tuning=predict(fitted, inputs[data.parts.tuning]),
        validation=predict(fitted, inputs[data.parts.validation]),
        seconds=seconds,
    )
