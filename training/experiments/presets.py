"""Experiments and presets: declared, and selected by name.

Adding an experiment is adding a declaration. `belvedere train NAME` runs one; the results on the
Landscapes images are in docs/experiments.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.errors import DataError
from training.experiments.config import Declared, FineTuning, FrozenTransfer, Preset, needed
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
from training.experiments.transfer import MOBILENETV2_FROZEN, TRANSFER
from training.models.weights import local_networks
from training.settings import PresetName

PROGRAMME: tuple[Declared, ...] = (
    *DESIGNS,
    *TECHNIQUES,
    ALL_AT_ONCE,
    COMBINED,
    COMBINED_DEEPER,
    RECIPE,
    *TRANSFER,
)
"""Every experiment, in the order of the table."""

_ON_REQUEST: tuple[Declared, ...] = (ALL_AT_ONCE, RECIPE)
"""Trained when asked for by name; no preset has them."""

PRESETS: dict[PresetName, Preset] = {
    "quick": Preset("quick", 12, (BASELINE, AUGMENTATION, DROPOUT, MOBILENETV2_FROZEN)),
    "full": Preset(
        "full",
        12,
        tuple(each for each in PROGRAMME if each not in _ON_REQUEST),
        repeats=3,
        random_split=("baseline", "mobilenetv2-frozen", "mobilenetv2-fine-tuned"),
        local_networks=True,
    ),
}


def selected(
    preset: Preset, names: Sequence[str], seeds: int | None, *, beside: bool = False
) -> Preset:
    """The preset with these experiments and those that they need, or its own where none is named.

    With `beside`, its own stay beside them. Raises `DataError` for a name that nobody declared.
    """
    if not names and seeds is None:
        return preset
    declared = {each.name: each for each in (*PROGRAMME, *preset.experiments)}
    unknown = [name for name in names if name not in declared]
    if unknown:
        raise DataError(
            f"There is no experiment {unknown[0]}; `belvedere train --list` names them all."
        )
    wanted: list[Declared] = list(preset.experiments) if beside or not names else []
    for name in names:
        wanted += [*needed(declared[name]), declared[name]]
    return replace(
        preset,
        experiments=tuple(dict.fromkeys(wanted)),
        repeats=seeds or 1,
        repeat_all=seeds is not None,
        random_split=(),
    )


def with_local_networks(preset: Preset, weights: Path | None) -> Preset:
    """The preset with a frozen and a fine-tuned experiment for every other network of the user's.

    They are the `.keras` files in the folder of pretrained weights that no experiment names.
    """
    named = {getattr(each, "backbone", None) for each in PROGRAMME}
    more: list[Declared] = []
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
            change=f"All of {name} is trained on, lower layers more slowly",
            backbone=name,
            first_rate=0.3,
        )
        if size is not None:
            frozen, tuned = replace(frozen, input=size), replace(tuned, input=size)
        more += [frozen, tuned]
    return replace(preset, experiments=(*preset.experiments, *more))


def listed(preset: Preset) -> list[str]:
    """Every experiment on a line: its name, its base and its one change."""
    own = {each.name for each in preset.experiments}
    width = max(len(each.name) for each in PROGRAMME)
    everything = tuple(dict.fromkeys((*PROGRAMME, *preset.experiments)))
    lines = [f"Experiments; those marked * belong to the preset {preset.name}."]
    for each in everything:
        mark = "*" if each.name in own else " "
        base = f" [{each.base}]" if each.base else ""
        lines.append(f"{mark} {each.name:{width}}  {each.change}{base}")
    return lines
