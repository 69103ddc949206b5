"""The programme: every experiment and the presets. Adding an experiment is adding a declaration.

`belvedere train NAME` runs one; what each reached on the Landscapes photographs is in
docs/experiments.md.
"""

from training.experiments import Declared, Preset
from training.own_experiments import (
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
from training.settings import PresetName
from training.transfer_experiments import MOBILENETV2_FROZEN, TRANSFER

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
