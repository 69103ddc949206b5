"""Input and result of a training."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from embeddings.arrays import Floats, Rows
from embeddings.errors import BelvedereError
from embeddings.release.reports import Curves
from embeddings.runtime import CompiledModel
from training.data.dataset import Dataset
from training.experiments.config import FineTuning, FrozenTransfer
from training.trainers.fit import Examples, Inputs, one_hot, predict


@dataclass(frozen=True)
class TrainingContext:
    """Inputs of a training beside the experiment."""

    dataset: Dataset
    epochs: int
    """Epochs of the preset, for networks that are trained from scratch."""
    seed: int
    weights: Path | None
    """Folder of pretrained weights, if there is one."""
    teacher: Callable[[FrozenTransfer | FineTuning], CompiledModel]
    """Function that returns the model of another experiment.

    The last output of the model is the probabilities. Raises `TeacherMissing`.
    """


class TeacherMissing(BelvedereError):
    """Error for an untrained experiment that another one learns from; the message names it."""


class TrainingDiverged(BelvedereError):
    """Error for a loss or probability that is not a finite number."""


@dataclass(frozen=True)
class LayerOutputs:
    """Outputs of two layers of a model for n images."""

    pooled: Floats
    """Last feature map, averaged over the image: shape (n, features)."""
    embedding: Floats
    """Penultimate layer: shape (n, dimension)."""


@dataclass(frozen=True)
class TrainingResult:
    """Trained model with its curves and predictions."""

    network: keras.Model
    """Model from pixels to probabilities."""
    trainable_parameters: int
    curves: Curves
    tuning: Floats
    """Probabilities of the tuning images: shape (t, classes)."""
    validation: Floats
    """Probabilities of the validation images: shape (v, classes)."""
    seconds: float
    """Wall-clock time of training with frozen features and without evaluation."""
    reused_seconds: float = 0.0
    """Part of `seconds` that an earlier training took to compute frozen features."""
    layer_outputs: LayerOutputs | None = None
    """Layer outputs of every image, if training has computed them."""


def split_examples(inputs: Inputs, data: Dataset) -> tuple[Examples, Examples]:
    """Return the examples to fit on and those for tuning.

    `inputs` has a row for each image of the dataset.
    """

    def select(rows: Rows) -> Examples:
        return Examples(inputs[rows], one_hot(data.labels[rows], len(data.classes)))

    return select(data.indices.fit), select(data.indices.tuning)


def training_result(
    network: keras.Model,
    fitted: keras.Model,
    inputs: Inputs,
    data: Dataset,
    curves: Curves,
    seconds: float,
) -> TrainingResult:
    """Return the result for a network, of which the part `fitted` was trained on `inputs`."""
    return TrainingResult(
        network=network,
        trainable_parameters=sum(int(np.prod(w.shape)) for w in fitted.trainable_variables),
        curves=curves,
        tuning=predict(fitted, inputs[data.indices.tuning]),
        validation=predict(fitted, inputs[data.indices.validation]),
        seconds=seconds,
    )
