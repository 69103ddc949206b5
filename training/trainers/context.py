"""What an experiment is run with, and what running it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from embeddings.arrays import Floats, Rows
from embeddings.errors import BelvedereError
from embeddings.release.reports import Curves
from embeddings.runtime import CompiledNetwork
from training.data.dataset import Dataset
from training.experiments.config import FineTuning, FrozenTransfer
from training.trainers.fit import Examples, Inputs, one_hot, predict


@dataclass(frozen=True)
class Circumstances:
    """What every experiment of a preset shares."""

    dataset: Dataset
    epochs: int
    seed: int
    weights: Path | None
    teacher: Callable[[FrozenTransfer | FineTuning], CompiledNetwork]
    """The trained network of another experiment; its last output are the probabilities.

    Raises `TeacherMissing`.
    """


class TeacherMissing(BelvedereError):
    """An experiment that another one learns from is not trained; the message says which."""


class TrainingDiverged(BelvedereError):
    """Training gave figures that are not finite numbers."""


@dataclass(frozen=True)
class Layers:
    """What two layers of a network say of n photographs."""

    pooled: Floats
    """Shape (n, features): the last map of features, averaged over the photograph."""
    embedding: Floats
    """Shape (n, dimension): the penultimate layer."""


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
    layers: Layers | None = None
    """Of every photograph, where training has computed them already."""


def examples(inputs: Inputs, data: Dataset) -> tuple[Examples, Examples]:
    """What is learned from, and what the curves and early stopping look at."""

    def part(rows: Rows) -> Examples:
        return Examples(inputs[rows], one_hot(data.labels[rows], len(data.classes)))

    return part(data.parts.fit), part(data.parts.tuning)


def trained(
    network: keras.Model,
    fitted: keras.Model,
    inputs: Inputs,
    data: Dataset,
    curves: Curves,
    seconds: float,
) -> Trained:
    """Take the figures of a network; `fitted` is the part of it that was trained on `inputs`."""
    return Trained(
        network=network,
        trainable_parameters=sum(int(np.prod(w.shape)) for w in fitted.trainable_variables),
        curves=curves,
        tuning=predict(fitted, inputs[data.parts.tuning]),
        validation=predict(fitted, inputs[data.parts.validation]),
        seconds=seconds,
    )
