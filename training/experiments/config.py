"""What an experiment is: a base and one change, declared as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from embeddings.images import Size
from training.digests import digest_of

BUILDER_VERSION = 1
"""Version of the networks and of how they are trained.

Raise it when the same declaration gives another network: every experiment is then trained anew.
"""

DESCRIPTION = frozenset({"name", "change", "base", "family"})
"""Fields of a declaration that say nothing of the training itself."""


@dataclass(frozen=True)
class OwnNetwork:
    """Training a network of our own from scratch, or from generated scenes."""

    name: str
    change: str
    base: str | None = None
    family: Literal["own network", "technique", "combination", "transfer"] = "own network"
    network: str = "convnet"
    input: Size = (96, 144)
    augmentation: tuple[str, ...] = ()
    mixing: tuple[str, ...] = ()
    """Ways to mix photographs and their labels; each batch draws one of them."""
    dropout: float = 0.0
    spatial_dropout: float = 0.0
    batch_norm: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    class_weights: bool = False
    averaging: float = 0.0
    """Momentum of the exponential moving average of the weights; 0 for none."""
    warm_up: int = 0
    """Epochs in which the learning rate rises before it falls."""
    early_stopping: int | None = None
    """Epochs without a better tuning loss before training stops; the best weights return."""
    learning_rate: float = 2e-3
    """The highest; it falls to zero along a cosine, so that the last epoch is no lottery."""
    batch: int = 16
    length: float = 1.0
    """Times the epochs of the preset."""
    scenes: int = 0
    """Generated scenes per class that the network learns first."""


@dataclass(frozen=True)
class Combination:
    """Techniques that helped, on one network; which they are is found when those are trained.

    A technique has helped when its tuning loss is below that of every repeat of the network that it
    changes; of the techniques of one kind the best is taken.
    """

    name: str
    change: str
    base: str
    compared_with: OwnNetwork
    """The network whose repeats a technique must exceed."""
    seeds: int = field(default=3, kw_only=True)
    """How many repeats those are."""
    kinds: tuple[tuple[OwnNetwork, ...], ...]
    """Techniques that can replace each other, together."""
    designs: tuple[OwnNetwork, ...]
    """The networks to put them on; the one with the highest tuning accuracy is taken."""
    stepwise: bool = False
    """Whether to add them one after the other, the best first, and keep what helps beside those
    before; else all are taken at once."""
    family: Literal["combination"] = "combination"
    length: float = 1.0
    ablation: bool = False
    """Whether to train it without each of its techniques, too."""


@dataclass(frozen=True)
class FrozenTransfer:
    """Training a small head on the features of a pretrained network that stays as it is."""

    name: str
    change: str
    base: str | None = None
    family: Literal["transfer"] = "transfer"
    backbone: str = "MobileNetV2"
    beside: str = ""
    """A second backbone that sees the same photographs; its features follow those of the first."""
    input: Size = (192, 288)
    views: int = 0
    """Augmented variants of each photograph that are learned from besides itself."""
    hidden: int = 256
    """Units of the dense layer before the classes; 0 for a linear head."""
    dropout: float = 0.5
    epochs: int = 30
    early_stopping: int = 10
    learning_rate: float = 5e-4
    """The highest; it falls to zero along a cosine."""
    batch: int = 64


@dataclass(frozen=True)
class FineTuning:
    """Training a pretrained network on, whole or from some depth upwards.

    Its batch normalisation stays as it was pretrained.
    """

    name: str
    change: str
    base: str | None = None
    family: Literal["transfer", "distillation"] = "transfer"
    backbone: str = "MobileNetV2"
    input: Size = (160, 224)
    share: float = 1.0
    """Share of the backbone's layers that are trained, counted from the top."""
    first_rate: float = 1.0
    """Learning rate of the lowest layer relative to the head's; between them it rises evenly."""
    augmentation: tuple[str, ...] = ("flip",)
    hidden: int = 256
    dropout: float = 0.3
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    epochs: int = 4
    warm_up: int = 1
    learning_rate: float = 3e-4
    batch: int = 32
    teachers: tuple["FrozenTransfer | FineTuning", ...] = ()
    """Networks whose probabilities are learned beside the labels."""
    head_first: bool = False
    """Whether the head learns on frozen features before anything else does."""
    averaged: float = 0.0
    """Share of the weights before training in the average that is kept; 0 for none."""


Experiment = OwnNetwork | FrozenTransfer | FineTuning
Declared = Experiment | Combination


def backbones(experiment: Experiment) -> tuple[str, ...]:
    """The pretrained networks that an experiment needs."""
    match experiment:
        case OwnNetwork():
            return ()
        case FrozenTransfer(beside=beside) if beside:
            return experiment.backbone, beside
        case _:
            return (experiment.backbone,)


def all_backbones(experiment: Experiment) -> tuple[str, ...]:
    """Return the pretrained networks that an experiment and its teachers need, sorted."""
    teachers = experiment.teachers if isinstance(experiment, FineTuning) else ()
    named = {name for each in (experiment, *teachers) for name in backbones(each)}
    return tuple(sorted(named))


def needed(declared: Declared) -> tuple[Experiment, ...]:
    """The experiments that must be trained before this one can be."""
    if isinstance(declared, Combination):
        techniques = (technique for kind in declared.kinds for technique in kind)
        return tuple(dict.fromkeys((declared.compared_with, *declared.designs, *techniques)))
    return declared.teachers if isinstance(declared, FineTuning) else ()


@dataclass(frozen=True)
class Preset:
    """A selection of experiments, and how long to train them."""

    name: str
    epochs: int
    """Epochs of networks that are trained from scratch."""
    experiments: tuple[Declared, ...]
    repeats: int = 1
    """Seeds of the experiments that matter most: the first one's, the ablated combination's, the
    best own network's and the two best pretrained ones'."""
    repeat_all: bool = False
    """Whether every experiment is repeated, whatever it reached."""
    random_split: tuple[str, ...] = ()
    """Experiments to train under the random split, too."""
    local_networks: bool = False
    """Whether every network in the user's folder of weights takes part."""


def hyper_parameters(experiment: Experiment) -> dict[str, object]:
    """Return all that a declaration says of the training itself, without its description.

    What is switched off is left out, so that a new technique leaves finished experiments valid.
    """
    active: dict[str, object] = {"kind": type(experiment).__name__}
    for each in fields(experiment):
        value = getattr(experiment, each.name)
        if each.name == "teachers":
            value = [hyper_parameters(teacher) for teacher in value]
        if value and each.name not in DESCRIPTION:
            active[each.name] = value
    return active


def experiment_key(experiment: Experiment, facts: Mapping[str, object]) -> str:
    """Return the digest of an experiment's hyper-parameters and of the facts beside them.

    Facts are all else that the result depends on, such as photographs, weights and the seed.
    """
    return digest_of({"experiment": hyper_parameters(experiment), "facts": dict(facts)})
