"""What an experiment is: a base and one change, declared as plain data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Literal

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True)
class OwnNetwork:
    """Training a network of our own from scratch."""

    name: str
    change: str
    base: str | None = None
    family: Literal["own network", "technique"] = "own network"
    network: str = "convnet"
    input: Size = (96, 144)
    augmentation: tuple[str, ...] = ()
    dropout: float = 0.0
    early_stopping: int | None = None
    """Epochs without a better tuning loss before training stops; the best weights return."""
    learning_rate: float = 2e-3
    """The highest; it falls to zero along a cosine, so that the last epoch is no lottery."""
    batch: int = 16


@dataclass(frozen=True)
class FrozenTransfer:
    """Training a small head on the features of a pretrained network that stays as it is."""

    name: str
    change: str
    base: str | None = None
    family: Literal["transfer"] = "transfer"
    backbone: str = "MobileNetV2"
    input: Size = (192, 288)
    hidden: int = 256
    dropout: float = 0.5
    epochs: int = 30
    early_stopping: int = 10
    learning_rate: float = 5e-4
    """The highest; it falls to zero along a cosine."""
    batch: int = 64


Experiment = OwnNetwork | FrozenTransfer


@dataclass(frozen=True)
class Preset:
    """A selection of experiments, and how long to train them."""

    name: str
    epochs: int
    """Epochs of networks that are trained from scratch."""
    experiments: tuple[Experiment, ...]


@dataclass(frozen=True)
class EpochEnd:
    """What is known after an epoch; accuracies in 0-1."""

    epoch: int
    epochs: int
    loss: float
    accuracy: float
    tuning_accuracy: float


def experiment_key(experiment: Experiment, facts: Mapping[str, int | str]) -> str:
    """Digest of a declaration and of the facts its result hangs on besides (data, seed, epochs)."""
    content = {"experiment": asdict(experiment), "facts": dict(facts)}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
