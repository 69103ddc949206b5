"""The programme: every experiment and the presets. Adding an experiment is adding a declaration."""

from dataclasses import replace

from training.experiments import FrozenTransfer, OwnNetwork, Preset
from training.settings import PresetName

BASELINE = OwnNetwork(
    name="baseline",
    change="Own convolutional network, nothing against overfitting",
)

_TECHNIQUE = replace(BASELINE, family="technique", base=BASELINE.name)

AUGMENTATION = replace(
    _TECHNIQUE,
    name="augmentation",
    change="Random horizontal flips, shifts and zooms of the training photographs",
    augmentation=("flip", "shift", "zoom"),
)

DROPOUT = replace(
    _TECHNIQUE,
    name="dropout",
    change="Dropout of half the units before each dense layer",
    dropout=0.5,
)

EARLY_STOPPING = replace(
    _TECHNIQUE,
    name="early-stopping",
    change="Stop when the tuning loss stops falling, return the best weights",
    early_stopping=5,
)

MOBILENETV2_FROZEN = FrozenTransfer(
    name="mobilenetv2-frozen",
    change="MobileNetV2 pretrained on ImageNet, frozen, with a small head",
)

PRESETS: dict[PresetName, Preset] = {
    "quick": Preset("quick", 12, (BASELINE, AUGMENTATION, DROPOUT, MOBILENETV2_FROZEN)),
    "full": Preset(
        "full", 25, (BASELINE, AUGMENTATION, DROPOUT, EARLY_STOPPING, MOBILENETV2_FROZEN)
    ),
}
