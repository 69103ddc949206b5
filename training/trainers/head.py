"""Heads on frozen features: trained alone, before fine-tuning, or fold by fold."""

from dataclasses import dataclass, replace
from time import perf_counter

import keras
import numpy as np

from embeddings.arrays import Floats, Rows
from embeddings.release.reports import Curves
from training.data.folds import grouped_folds
from training.experiments.config import FineTuning, FrozenTransfer, backbones
from training.models.backbones import pretrained, side_by_side
from training.models.networks import EMBEDDING, PROBABILITIES, with_head
from training.trainers.context import Circumstances, Layers, Trained, examples, trained
from training.trainers.fit import Examples, OnEpoch, Plan, fit, one_hot, predict
from training.trainers.frozen_features import frozen_features

HELD_OUT_FOLDS = 3
"""Folds that the photographs to fit on are divided into, if their groups allow."""


@dataclass(frozen=True)
class _Learned:
    """What a head learns from."""

    network: keras.Model
    """Pixels to the features."""
    features: Floats
    """Of every photograph, shape (n, dimension)."""
    views: tuple[Examples, ...]
    """The photographs to fit on: as they are, then each augmented variant of them."""
    tuning: Examples
    seconds: float

    def fitted(self, rows: Rows | slice = slice(None)) -> Examples:
        """These photographs in all their variants."""
        return Examples(
            np.concatenate([view.inputs[rows] for view in self.views]),
            np.concatenate([view.targets[rows] for view in self.views]),
        )


def train_head(experiment: FrozenTransfer, given: Circumstances, on_epoch: OnEpoch) -> Trained:
    """Train a head on frozen features. Raises `WeightsUnavailable`."""
    data = given.dataset
    learned = _learned_from(experiment, given)
    start = perf_counter()
    head, curves = _fit_head(experiment, learned.fitted(), learned.tuning, on_epoch)
    seconds = learned.seconds + perf_counter() - start
    whole = with_backbone(learned.network, len(data.classes), experiment, head)
    embedding = keras.Model(head.input, head.get_layer(EMBEDDING).output)
    layers = Layers(learned.features, predict(embedding, learned.features))
    return replace(trained(whole, head, learned.features, data, curves, seconds), layers=layers)


def cross_fit(experiment: FrozenTransfer, given: Circumstances) -> Floats | None:
    """Predict the photographs to fit on, each by a head that has seen none of its group.

    Returns probabilities of shape (photographs to fit on, classes), with a row of zeros for each
    photograph whose class has no other group to learn from; None if all rows would be zeros.
    Raises `WeightsUnavailable`.
    """
    data = given.dataset
    rows = data.parts.fit
    groups = [data.images[row].group for row in rows]
    folds = grouped_folds(data.labels[rows], groups, HELD_OUT_FOLDS, given.seed)
    if not folds:
        return None
    learned = _learned_from(experiment, given)
    found = np.zeros((len(rows), len(data.classes)), np.float32)
    for known, asked in folds:
        keras.utils.set_random_seed(given.seed)
        head, _ = _fit_head(experiment, learned.fitted(known), learned.tuning, lambda end: None)
        found[asked] = predict(head, learned.features[rows[asked]])
    return found


def first_head(
    experiment: FineTuning, backbone: keras.Model, given: Circumstances, on_epoch: OnEpoch
) -> tuple[keras.Model, float]:
    """The head that fine-tuning begins with, and the seconds that it took.

    The first steps, taken with a random head, would distort the features (Kumar et al. 2022).
    """
    alone = FrozenTransfer(f"{experiment.name}: head", "", hidden=experiment.hidden)
    frozen = frozen_features(
        {experiment.backbone: backbone}, given.weights, given.dataset, experiment.input
    )
    start = perf_counter()
    head, _ = _fit_head(alone, *examples(frozen.features, given.dataset), on_epoch)
    return head, frozen.seconds + perf_counter() - start


def with_backbone(
    backbone: keras.Model,
    classes: int,
    experiment: FrozenTransfer | FineTuning,
    head: keras.Model | None = None,
) -> keras.Model:
    """A backbone and a head as one network: a new head, or the weights of a trained one."""
    whole = with_head(
        backbone.input, backbone.output, classes, experiment.hidden, experiment.dropout
    )
    if head is not None:
        for name in (EMBEDDING, PROBABILITIES):
            whole.get_layer(name).set_weights(head.get_layer(name).get_weights())
    return whole


def _learned_from(experiment: FrozenTransfer, given: Circumstances) -> _Learned:
    data, size = given.dataset, experiment.input
    networks = {name: pretrained(name, size, given.weights) for name in backbones(experiment)}
    frozen = frozen_features(networks, given.weights, data, size)
    fitted, tuning = examples(frozen.features, data)
    views, seconds = [fitted], frozen.seconds
    for view in range(1, experiment.views + 1):
        varied = frozen_features(networks, given.weights, data, size, view)
        targets = one_hot(data.labels[data.parts.fit], len(data.classes))
        views.append(Examples(varied.features, targets))
        seconds += varied.seconds
    network = side_by_side(tuple(networks.values()))
    return _Learned(network, frozen.features, tuple(views), tuning, seconds)


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
