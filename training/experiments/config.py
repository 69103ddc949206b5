"""Declarations of experiments: a base and one change, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal

from embeddings.images import Size
from training.digests import digest_of

BUILDER_VERSION = 1
"""Version of the networks and trainers.

Increment it when the same declaration gives another network; every experiment is trained again.
"""

Metric = Literal["", "contrastive", "proxy", "cosine-margin"]
"""Loss of an embedding for search; empty for the loss of the classes alone."""

DESCRIPTION_FIELDS = frozenset({"name", "change", "base", "family"})
"""Fields that describe an experiment and do not affect its training."""


@dataclass(frozen=True)
class FromScratch:
    """Training from random weights, optionally pretrained on generated scenes."""

    kind: ClassVar[str] = "OwnNetwork"
    """Name in the key of a run, which stays the same when the class is renamed."""

    name: str
    change: str
    base: str | None = None
    family: Literal["own network", "technique", "combination", "transfer"] = "own network"
    network: str = "convnet"
    input: Size = (96, 144)
    augmentation: tuple[str, ...] = ()
    mixing: tuple[str, ...] = ()
    """Methods that mix images and their labels; each batch draws one of them."""
    dropout: float = 0.0
    spatial_dropout: float = 0.0
    batch_norm: bool = False
    stochastic_depth: float = 0.0
    """Probability to skip the last residual block; it rises linearly from the first."""
    squeeze_excitation: bool = False
    blur_pooling: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    class_weights: bool = False
    averaging: float = 0.0
    """Momentum of the exponential moving average of the weights; 0 for none."""
    warm_up: int = 0
    """Epochs of rising learning rate before the decay."""
    one_cycle: bool = False
    """The learning rate rises for three tenths of the epochs before the decay."""
    first_inputs: tuple[Size, ...] = ()
    """Sizes of the images in the stages of training before that of `input`.

    All stages have the same number of epochs. The augmentation has half its strength in the first
    stage and its full strength in the last one.
    """
    early_stopping: int | None = None
    """Epochs without a lower tuning loss before training stops; the best weights are restored."""
    learning_rate: float = 2e-3
    """Highest learning rate; it decays to zero along a cosine."""
    batch: int = 16
    length: float = 1.0
    """Factor of the number of epochs of the preset."""
    scenes: int = 0
    """Generated scenes per class for pretraining."""
    self_supervised: float = 0.0
    """Factor of the number of epochs for pretraining on the images to fit on, without labels."""


@dataclass(frozen=True)
class Combination:
    """Combination of helpful techniques, chosen after each of them was trained alone.

    A technique is helpful if its tuning loss is below that of every seed of the network that it
    changes. Of the techniques of one kind, the best is chosen.
    """

    name: str
    change: str
    base: str
    compared_with: FromScratch
    """Experiment whose seeds a technique must exceed."""
    seeds: int = field(default=3, kw_only=True)
    """Number of these seeds."""
    kinds: tuple[tuple[FromScratch, ...], ...]
    """Techniques, grouped by kind; those of one kind are alternatives."""
    designs: tuple[FromScratch, ...]
    """Networks to apply them to; the one with the highest tuning accuracy is chosen."""
    stepwise: bool = False
    """Add the techniques one by one, the best first, and keep those that lower the tuning loss
    further; if False, apply all of them at once."""
    family: Literal["combination"] = "combination"
    length: float = 1.0
    ablation: bool = False
    """Also train the combination without each of its techniques."""


@dataclass(frozen=True)
class FrozenTransfer:
    """Training of a small head on the features of a frozen pretrained network."""

    kind: ClassVar[str] = "FrozenTransfer"

    name: str
    change: str
    base: str | None = None
    family: Literal["transfer"] = "transfer"
    backbone: str = "MobileNetV2"
    beside: str = ""
    """Second backbone; its features are concatenated to those of the first."""
    input: Size = (192, 288)
    views: int = 0
    """Number of augmented views of each image to learn from, beside the image itself."""
    hidden: int = 256
    """Units of the dense layer before the classes; 0 for a linear head."""
    dropout: float = 0.5
    metric: Metric = ""
    whitening: bool = False
    """Project the features on `hidden` whitened principal components, which are not trained."""
    epochs: int = 30
    early_stopping: int = 10
    learning_rate: float = 5e-4
    """Highest learning rate; it decays to zero along a cosine."""
    batch: int = 64


@dataclass(frozen=True)
class FineTuning:
    """Fine-tuning of a pretrained network, or of its upper layers.

    Its batch normalisation stays frozen.
    """

    kind: ClassVar[str] = "FineTuning"

    name: str
    change: str
    base: str | None = None
    family: Literal["transfer", "distillation"] = "transfer"
    backbone: str = "MobileNetV2"
    beside: str = ""
    """Second backbone, which is trained together with the first; see `FrozenTransfer`."""
    input: Size = (160, 224)
    share: float = 1.0
    """Share of the backbone's layers to train, counted from the top."""
    first_rate: float = 1.0
    """Learning rate of the lowest layer relative to the head's; it rises linearly between them."""
    augmentation: tuple[str, ...] = ("flip",)
    hidden: int = 256
    dropout: float = 0.3
    metric: Metric = ""
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    epochs: int = 4
    warm_up: int = 1
    learning_rate: float = 3e-4
    batch: int = 32
    teachers: tuple["FrozenTransfer | FineTuning", ...] = ()
    """Experiments whose models' probabilities are learned beside the labels."""
    head_first: bool = False
    """Train the head on frozen features first."""
    averaged: float = 0.0
    """Share of the initial weights in the average that is kept; 0 for no averaging."""


Experiment = FromScratch | FrozenTransfer | FineTuning
Declaration = Experiment | Combination


def backbones(experiment: Experiment) -> tuple[str, ...]:
    """Return the pretrained networks that an experiment needs."""
    match experiment:
        case FromScratch():
            return ()
        case FrozenTransfer(beside=beside) | FineTuning(beside=beside) if beside:
            return experiment.backbone, beside
        case _:
            return (experiment.backbone,)


def is_for_search(experiment: Experiment) -> bool:
    """Return whether the embedding of an experiment is made for search."""
    match experiment:
        case FromScratch():
            return False
        case FrozenTransfer(whitening=True):
            return True
        case _:
            return bool(experiment.metric)


def all_backbones(experiment: Experiment) -> tuple[str, ...]:
    """Return the pretrained networks that an experiment and its teachers need, sorted."""
    teachers = experiment.teachers if isinstance(experiment, FineTuning) else ()
    named = {name for each in (experiment, *teachers) for name in backbones(each)}
    return tuple(sorted(named))


def prerequisites(declared: Declaration) -> tuple[Experiment, ...]:
    """Return the experiments that must be trained before this one."""
    if isinstance(declared, Combination):
        techniques = (technique for kind in declared.kinds for technique in kind)
        return tuple(dict.fromkeys((declared.compared_with, *declared.designs, *techniques)))
    return declared.teachers if isinstance(declared, FineTuning) else ()


@dataclass(frozen=True)
class Preset:
    """Selection of experiments with their number of epochs."""

    name: str
    epochs: int
    """Epochs of networks that are trained from scratch."""
    experiments: tuple[Declaration, ...]
    repeats: int = 1
    """Number of seeds of the first experiment, the ablated combination, the best network from
    scratch and the two best pretrained ones."""
    repeat_all: bool = False
    """Repeat every experiment with as many seeds."""
    random_split: tuple[str, ...] = ()
    """Names of experiments to train on the random split as well."""
    local_networks: bool = False
    """Add experiments for each network in the user's folder of weights."""


def hyper_parameters(experiment: Experiment) -> dict[str, object]:
    """Return the fields of an experiment that affect its training.

    Fields with an empty value are left out, so that a new technique leaves finished runs valid.
    """
    active: dict[str, object] = {"kind": experiment.kind}
    for each in fields(experiment):
        value = getattr(experiment, each.name)
        if each.name == "teachers":
            value = [hyper_parameters(teacher) for teacher in value]
        if value and each.name not in DESCRIPTION_FIELDS:
            active[each.name] = value
    return active


def experiment_key(experiment: Experiment, facts: Mapping[str, object]) -> str:
    """Return the digest of an experiment's hyper-parameters and of `facts`.

    The facts are all other conditions of the result, for example images, weights and seed.
    """
    return digest_of({"experiment": hyper_parameters(experiment), "facts": dict(facts)})
