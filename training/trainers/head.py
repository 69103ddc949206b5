"""Trainer of heads on frozen features: alone, before fine-tuning, or by cross-validation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import keras
import numpy as np

from embeddings.arrays import Floats, Rows
from embeddings.encoded import Encoded
from embeddings.release.reports import Curves
from training.data.dataset import Dataset
from training.data.folds import grouped_folds
from training.experiments.config import FineTuning, FrozenTransfer, backbones
from training.models.backbones import pretrained, side_by_side
from training.models.heads import (
    EMBEDDING,
    PROJECTION,
    HeadKind,
    copy_head,
    encoder_of,
    whitening,
    with_head,
)
from training.trainers.context import (
    LayerOutputs,
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
    compile_network,
    fit,
    fit_compiled,
    make_optimizer,
    one_hot,
    predict,
    with_outputs_for,
)
from training.trainers.frozen_features import frozen_features

CALIBRATION_FOLDS = 3
"""Number of folds of the images to fit on; fewer if there are too few groups."""
_BATCH = 256


@dataclass(frozen=True)
class _FrozenData:
    """Training data of a head."""

    network: keras.Model
    """Network from pixels to features."""
    features: Floats
    """Features of every image: shape (n, dimension)."""
    views: tuple[Examples, ...]
    """Images to fit on: unchanged, then each augmented view of them."""
    tuning: Examples
    seconds: float
    """Time of the computation of all features."""
    reused_seconds: float
    """Part of `seconds` that an earlier training took."""

    def fitted(self, rows: Rows | slice = slice(None)) -> Examples:
        """Return all views of these images to fit on."""
        return Examples(
            np.concatenate([view.inputs[rows] for view in self.views]),
            np.concatenate([view.targets[rows] for view in self.views]),
        )


def train_head(
    experiment: FrozenTransfer, context: TrainingContext, on_epoch: OnEpoch
) -> TrainingResult:
    """Train a head on frozen features. Raises `WeightsUnavailable`."""
    data = context.dataset
    frozen = _frozen_data(experiment, context)
    start = perf_counter()
    head, curves = fit_head(experiment, frozen.fitted(), frozen.tuning, on_epoch)
    seconds = frozen.seconds + perf_counter() - start
    whole = attach_head(frozen.network, len(data.classes), experiment, head)
    embedding = keras.Model(head.input, head.get_layer(EMBEDDING).output)
    outputs = LayerOutputs(frozen.features, predict(embedding, frozen.features))
    result = training_result(whole, head, frozen.features, data, curves, seconds)
    return replace(result, reused_seconds=frozen.reused_seconds, layer_outputs=outputs)


def predict_out_of_fold(experiment: FrozenTransfer, context: TrainingContext) -> Floats | None:
    """Return out-of-fold predictions of the images to fit on, by grouped cross-validation.

    The probabilities have shape (images to fit on, classes), with a row of zeros for each image
    whose class has no other group to learn from. Returns None if all rows would be zeros. Raises
    `WeightsUnavailable`.
    """
    data = context.dataset
    rows = data.indices.fit
    groups = data.images.groups[rows].tolist()
    folds = grouped_folds(data.labels[rows], groups, CALIBRATION_FOLDS, context.seed)
    if not folds:
        return None
    frozen = _frozen_data(experiment, context)
    probabilities = np.zeros((len(rows), len(data.classes)), np.float32)
    for fitted, predicted in folds:
        keras.utils.set_random_seed(context.seed)
        head, _ = fit_head(experiment, frozen.fitted(fitted), frozen.tuning, lambda end: None)
        probabilities[predicted] = predict(head, frozen.features[rows[predicted]])
    return probabilities


def features_of(experiment: FrozenTransfer, dataset: Dataset, weights: Path | None) -> Floats:
    """Return the frozen features that a head learns from, of all images unchanged.

    The array has shape (n, dimension). Raises `WeightsUnavailable`.
    """
    networks = load_backbones(experiment, weights)
    return frozen_features(networks, weights, dataset, experiment.input).features


def load_backbones(
    experiment: FrozenTransfer | FineTuning, weights: Path | None
) -> dict[str, keras.Model]:
    """Return the pretrained networks of an experiment by name. Raises `WeightsUnavailable`."""
    return {name: pretrained(name, experiment.input, weights) for name in backbones(experiment)}


class ReusedHead:
    """Head that is compiled once and trained many times, each time as a new one would be.

    Compilation takes longer than the training of a small head. The networks are the same in every
    bit, since weights, states of random numbers and optimizer start as those of a new head.
    """

    def __init__(
        self, experiment: FrozenTransfer, dimension: int, classes: int, fitted: int
    ) -> None:
        """Build a head for features of this dimension and a number of examples to fit on."""
        self._experiment = experiment
        self._config = _config(experiment)
        self._head = _untrained(experiment, dimension, classes)
        self._encoder = encoder_of(self._head)
        self._trained = with_outputs_for(experiment.metric, self._head)
        compile_network(self._trained, self._config, make_optimizer(self._config, fitted))

    def encode(self, fitted: Examples, tuning: Examples, features: Floats, seed: int) -> Encoded:
        """Train the head, and return its outputs for other features of shape (n, dimension)."""
        self._reset(fitted, seed)
        stage = Stage(self._trained, fitted, tuning, self._config.epochs)
        fit_compiled(stage, self._config, lambda end: None)
        return Encoded(*self._encoder.predict(features, batch_size=_BATCH, verbose=0))

    def _reset(self, fitted: Examples, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        new = _new_head(self._experiment, fitted)
        for layer, other in zip(self._head.layers, new.layers, strict=True):
            for variable, initial in zip(layer.variables, other.variables, strict=True):
                variable.assign(initial)
        for variable in self._trained.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        # Otherwise the memory grows with the number of heads.
        keras.utils.clear_session(free_memory=False)


def initial_head(
    experiment: FineTuning,
    networks: Mapping[str, keras.Model],
    context: TrainingContext,
    on_epoch: OnEpoch,
) -> tuple[keras.Model, float, float]:
    """Return the head that fine-tuning of backbones starts from, and its training time in seconds.

    The last number is the part of that time that an earlier training took. The first steps with a
    random head would distort the features (Kumar et al. 2022).
    """
    alone = FrozenTransfer(
        f"{experiment.name}: head", "", hidden=experiment.hidden, metric=experiment.metric
    )
    frozen = frozen_features(networks, context.weights, context.dataset, experiment.input)
    start = perf_counter()
    head, _ = fit_head(alone, *split_examples(frozen.features, context.dataset), on_epoch)
    return head, frozen.seconds + perf_counter() - start, frozen.reused_seconds


def attach_head(
    backbone: keras.Model,
    classes: int,
    experiment: FrozenTransfer | FineTuning,
    head: keras.Model | None = None,
) -> keras.Model:
    """Return a backbone with a head: a new one, or one with the weights of `head`."""
    whole = with_head(
        backbone.input,
        backbone.output,
        classes,
        experiment.hidden,
        experiment.dropout,
        _kind(experiment),
    )
    if head is not None:
        copy_head(head, whole)
    return whole


def _frozen_data(experiment: FrozenTransfer, context: TrainingContext) -> _FrozenData:
    data, size = context.dataset, experiment.input
    networks = load_backbones(experiment, context.weights)
    frozen = frozen_features(networks, context.weights, data, size)
    fitted, tuning = split_examples(frozen.features, data)
    views, seconds, reused = [fitted], frozen.seconds, frozen.reused_seconds
    for view in range(1, experiment.views + 1):
        varied = frozen_features(networks, context.weights, data, size, view)
        targets = one_hot(data.labels[data.indices.fit], len(data.classes))
        views.append(Examples(varied.features, targets))
        seconds += varied.seconds
        reused += varied.reused_seconds
    network = side_by_side(tuple(networks.values()))
    return _FrozenData(network, frozen.features, tuple(views), tuning, seconds, reused)


def fit_head(
    experiment: FrozenTransfer, fitted: Examples, tuning: Examples, on_epoch: OnEpoch
) -> tuple[keras.Model, Curves]:
    """Return a new head trained on features, and its curves."""
    head = _new_head(experiment, fitted)
    trained = with_outputs_for(experiment.metric, head)
    return head, fit(trained, fitted, tuning, _config(experiment), on_epoch)


def _new_head(experiment: FrozenTransfer, fitted: Examples) -> keras.Model:
    head = _untrained(experiment, fitted.inputs.shape[1], fitted.targets.shape[1])
    if experiment.whitening:
        features = np.asarray(fitted.inputs, np.float32)
        head.get_layer(PROJECTION).set_weights(whitening(features, experiment.hidden))
    return head


def _untrained(experiment: FrozenTransfer, dimension: int, classes: int) -> keras.Model:
    entry = keras.Input((dimension,), name="features")
    kind = _kind(experiment)
    return with_head(entry, entry, classes, experiment.hidden, experiment.dropout, kind)


def _kind(experiment: FrozenTransfer | FineTuning) -> HeadKind:
    if isinstance(experiment, FrozenTransfer) and experiment.whitening:
        return "whitening"
    return "cosine" if experiment.metric else "dense"


def _config(experiment: FrozenTransfer) -> TrainConfig:
    return TrainConfig(
        experiment.epochs,
        experiment.batch,
        experiment.learning_rate,
        early_stopping=experiment.early_stopping,
        metric=experiment.metric,
    )
