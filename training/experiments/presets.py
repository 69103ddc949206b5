"""Presets, and selection of experiments by name.

To add an experiment, declare it and list it here. `belvedere train NAME` trains one; the results
on the Landscapes images are in docs/experiments.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.errors import DataError
from training.experiments.config import (
    Declaration,
    FineTuning,
    FrozenTransfer,
    Preset,
    prerequisites,
)
from training.experiments.from_scratch import (
    ALL_AT_ONCE,
    AUGMENTATION,
    BASELINE,
    COMBINED,
    COMBINED_DEEPER,
    DESIGNS,
    DROPOUT,
    RECIPE,
    TECHNIQUES,
)
from training.experiments.long import LONG_EXPERIMENTS
from training.experiments.search import SEARCH
from training.experiments.transfer import MOBILENETV2_FROZEN, TRANSFER
from training.models.weights import local_networks
from training.settings import PresetName

ALL_EXPERIMENTS: tuple[Declaration, ...] = (
    *DESIGNS,
    *TECHNIQUES,
    ALL_AT_ONCE,
    COMBINED,
    COMBINED_DEEPER,
    RECIPE,
    *TRANSFER,
    *SEARCH,
    *LONG_EXPERIMENTS,
)
"""All experiments, in the order of the table."""

_ON_REQUEST: tuple[Declaration, ...] = (ALL_AT_ONCE, RECIPE)
"""Experiments of no preset; they are trained only by name."""

_FULL = Preset(
    "full",
    12,
    tuple(each for each in ALL_EXPERIMENTS if each not in (*_ON_REQUEST, *LONG_EXPERIMENTS)),
    repeats=3,
    random_split=("baseline", "mobilenetv2-frozen", "mobilenetv2-fine-tuned"),
    local_networks=True,
)

PRESETS: dict[PresetName, Preset] = {
    "quick": Preset("quick", 12, (BASELINE, AUGMENTATION, DROPOUT, MOBILENETV2_FROZEN)),
    "full": _FULL,
    "long": replace(_FULL, name="long", experiments=(*_FULL.experiments, *LONG_EXPERIMENTS)),
}
"""Presets by name; `long` is `full` and the experiments with long training."""


def select(
    preset: Preset, names: Sequence[str], seeds: int | None, *, include_preset: bool = False
) -> Preset:
    """Return the preset with the named experiments and their prerequisites.

    Without names, the experiments of the preset are kept; with `include_preset`, they come first.
    Raises `DataError` for an unknown name.
    """
    if not names and seeds is None:
        return preset
    declared = {each.name: each for each in (*ALL_EXPERIMENTS, *preset.experiments)}
    unknown = [name for name in names if name not in declared]
    if unknown:
        raise DataError(
            f"There is no experiment {unknown[0]}; `belvedere train --list` lists all experiments."
        )
    wanted: list[Declaration] = list(preset.experiments) if include_preset or not names else []
    for name in names:
        wanted += [*prerequisites(declared[name]), declared[name]]
    return replace(
        preset,
        experiments=tuple(dict.fromkeys(wanted)),
        repeats=seeds or 1,
        repeat_all=seeds is not None,
        random_split=(),
    )


def with_local_networks(preset: Preset, weights: Path | None) -> Preset:
    """Return the preset with a frozen and a fine-tuned experiment for each network of the user.

    These networks are the `.keras` files in the folder of weights that no experiment names.
    """
    named = {getattr(each, "backbone", None) for each in ALL_EXPERIMENTS}
    more: list[Declaration] = []
    for name, size in local_networks(weights).items():
        if name in named:
            continue
        frozen = FrozenTransfer(
            name=f"{name}-frozen",
            change=f"{name} from your folder of weights, frozen, with a small head",
            backbone=name,
        )
        tuned = FineTuning(
            name=f"{name}-fine-tuned",
            base=frozen.name,
            change=f"All of {name} fine-tuned, lower layers with a lower learning rate",
            backbone=name,
            first_rate=0.3,
        )
        if size is not None:
            frozen, tuned = replace(frozen, input=size), replace(tuned, input=size)
        more += [frozen, tuned]
    return replace(preset, experiments=(*preset.experiments, *more))


def list_experiments(preset: Preset) -> list[str]:
    """Return a line for each experiment, with its name, base and change."""
    included = {each.name for each in preset.experiments}
    width = max(len(each.name) for each in ALL_EXPERIMENTS)
    everything = tuple(dict.fromkeys((*ALL_EXPERIMENTS, *preset.experiments)))
    lines = [f"Experiments; * marks those of the preset {preset.name}."]
    for each in everything:
        mark = "*" if each.name in included else " "
        base = f" [{each.base}]" if each.base else ""
        lines.append(f"{mark} {each.name:{width}}  {each.change}{base}")
    return lines
