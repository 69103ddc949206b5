"""The programme: every experiment and the presets. Adding an experiment is adding a declaration.

`belvedere train NAME` runs one; what each reached on the Landscapes photographs is in
docs/experiments.md.
"""

from dataclasses import replace

from training.experiments import (
    Combination,
    Declared,
    FineTuning,
    FrozenTransfer,
    OwnNetwork,
    Preset,
)
from training.settings import PresetName

BASELINE = OwnNetwork(
    name="baseline",
    change="Own convolutional network, nothing against overfitting",
)
RESIDUAL = replace(
    BASELINE,
    name="residual",
    base=BASELINE.name,
    change="Residual blocks with batch normalisation instead of plain convolutions",
    network="residual",
)
SEPARABLE = replace(
    BASELINE,
    name="separable",
    base=BASELINE.name,
    change="Depthwise-separable convolutions with batch normalisation",
    network="separable",
)
DESIGNS = (BASELINE, RESIDUAL, SEPARABLE)

_TECHNIQUE = replace(BASELINE, family="technique", base=BASELINE.name)

AUGMENTATION = replace(
    _TECHNIQUE,
    name="augmentation",
    change="Random horizontal flips and crops (shifts and zooms)",
    augmentation=("flip", "shift", "zoom"),
)
COLOUR_JITTER = replace(
    _TECHNIQUE,
    name="colour-jitter",
    change="Random brightness, contrast, saturation and hue",
    augmentation=("jitter",),
)
RANDAUGMENT = replace(
    _TECHNIQUE,
    name="randaugment",
    change="RandAugment: two random operations on every photograph",
    augmentation=("randaugment",),
)
RANDOM_ERASING = replace(
    _TECHNIQUE,
    name="random-erasing",
    change="A random rectangle of half the photographs is erased",
    augmentation=("erasing",),
)
MIXUP = replace(
    _TECHNIQUE,
    name="mixup",
    change="Photographs and labels blended in pairs",
    mixing=("mixup",),
)
CUTMIX = replace(
    _TECHNIQUE,
    name="cutmix",
    change="A rectangle of another photograph pasted in, labels mixed by area",
    mixing=("cutmix",),
)
DROPOUT = replace(
    _TECHNIQUE,
    name="dropout",
    change="Dropout of half the units before each dense layer",
    dropout=0.5,
)
SPATIAL_DROPOUT = replace(
    _TECHNIQUE,
    name="spatial-dropout",
    change="Dropout of a tenth of the feature maps after each convolution",
    spatial_dropout=0.1,
)
BATCH_NORM = replace(
    _TECHNIQUE,
    name="batch-norm",
    change="Batch normalisation after each convolution",
    batch_norm=True,
)
WEIGHT_DECAY = replace(
    _TECHNIQUE,
    name="weight-decay",
    change="Decoupled weight decay of 0.05",
    weight_decay=0.05,
)
LABEL_SMOOTHING = replace(
    _TECHNIQUE,
    name="label-smoothing",
    change="A tenth of each label spread over all classes",
    label_smoothing=0.1,
)
CLASS_WEIGHTS = replace(
    _TECHNIQUE,
    name="class-weights",
    change="Rare classes weigh more in the loss",
    class_weights=True,
)
EARLY_STOPPING = replace(
    _TECHNIQUE,
    name="early-stopping",
    change="Stop when the tuning loss stops falling, return the best weights",
    early_stopping=5,
)
WARM_UP = replace(
    _TECHNIQUE,
    name="warm-up",
    change="The learning rate rises for two epochs before the cosine",
    warm_up=2,
)
WEIGHT_AVERAGING = replace(
    _TECHNIQUE,
    name="weight-averaging",
    change="Exponential moving average of the weights",
    averaging=0.995,
)
LARGER_INPUT = replace(
    _TECHNIQUE,
    name="larger-input",
    change="Photographs of 128×192 instead of 96×144 pixels",
    input=(128, 192),
)

KINDS = (
    (AUGMENTATION,),
    (COLOUR_JITTER, RANDAUGMENT),
    (RANDOM_ERASING,),
    (MIXUP, CUTMIX),
    (DROPOUT, SPATIAL_DROPOUT),
    (BATCH_NORM,),
    (WEIGHT_DECAY,),
    (LABEL_SMOOTHING,),
    (CLASS_WEIGHTS,),
    (EARLY_STOPPING, WEIGHT_AVERAGING),
    (WARM_UP,),
)
"""Techniques that can replace each other, together; all leave what answering costs as it is."""

TECHNIQUES = (*(technique for kind in KINDS for technique in kind), LARGER_INPUT)

ALL_AT_ONCE = Combination(
    name="all-that-helped",
    base=BASELINE.name,
    change="Every technique that helped alone, all at once",
    compared_with=BASELINE,
    kinds=KINDS,
    designs=(BASELINE,),
)
COMBINED = replace(
    ALL_AT_ONCE,
    name="combined",
    change="The techniques that help beside each other",
    stepwise=True,
    ablation=True,
)
COMBINED_LONG = replace(
    COMBINED,
    name="combined-long",
    base=COMBINED.name,
    change="The combination on the best own design, trained three times as long",
    designs=DESIGNS,
    length=3.0,
    ablation=False,
)
RECIPE = replace(
    RESIDUAL,
    name="residual-recipe",
    family="combination",
    base=RESIDUAL.name,
    change="What is usual: flips, crops, MixUp, CutMix, weight decay, three times as long",
    augmentation=AUGMENTATION.augmentation,
    mixing=("mixup", "cutmix"),
    weight_decay=0.05,
    length=3.0,
)

MOBILENETV2_LINEAR = FrozenTransfer(
    name="mobilenetv2-linear",
    change="MobileNetV2 pretrained on ImageNet, frozen, with a linear head",
    hidden=0,
    dropout=0.0,
)
MOBILENETV2_FROZEN = FrozenTransfer(
    name="mobilenetv2-frozen",
    change="MobileNetV2 pretrained on ImageNet, frozen, with a small head",
)
MOBILENETV2_FROZEN_AUGMENTED = replace(
    MOBILENETV2_FROZEN,
    name="mobilenetv2-frozen-augmented",
    base=MOBILENETV2_FROZEN.name,
    change="The head learns from two augmented variants of each photograph, too",
    views=2,
)
MOBILENETV2_TOP = FineTuning(
    name="mobilenetv2-top",
    base=MOBILENETV2_FROZEN.name,
    change="The top third of MobileNetV2 is trained on",
    share=1 / 3,
)
MOBILENETV2_FINE_TUNED = FineTuning(
    name="mobilenetv2-fine-tuned",
    base=MOBILENETV2_TOP.name,
    change="All of MobileNetV2 is trained on, lower layers more slowly",
    first_rate=0.3,
)
EFFICIENTNET_FROZEN = FrozenTransfer(
    name="efficientnetlite0-frozen",
    change="EfficientNet-Lite0 pretrained on ImageNet, frozen, with a small head",
    backbone="efficientnet_lite0_features",
    input=(224, 224),
)
EFFICIENTNET_FINE_TUNED = FineTuning(
    name="efficientnetlite0-fine-tuned",
    base=EFFICIENTNET_FROZEN.name,
    change="All of EfficientNet-Lite0 is trained on, lower layers more slowly",
    backbone="efficientnet_lite0_features",
    input=(224, 224),
    first_rate=0.3,
)
EFFICIENTNETV2_FINE_TUNED = FineTuning(
    name="efficientnetv2b0-fine-tuned",
    change="All of EfficientNetV2-B0 is trained on, lower layers more slowly",
    backbone="EfficientNetV2B0",
    input=(192, 288),
    first_rate=0.3,
)
CONVNEXT_FROZEN = FrozenTransfer(
    name="convnexttiny-frozen",
    change="ConvNeXt-Tiny pretrained on ImageNet, frozen, with a small head",
    backbone="ConvNeXtTiny",
)
SCENES_FINE_TUNED = replace(
    BASELINE,
    name="scenes-fine-tuned",
    family="transfer",
    base=BASELINE.name,
    change="The baseline learns generated scenes first, then the photographs",
    scenes=300,
)
DISTILLED = FineTuning(
    name="distilled",
    family="distillation",
    base=MOBILENETV2_FINE_TUNED.name,
    change="MobileNetV2 learns from both fine-tuned networks beside the labels",
    first_rate=0.3,
    teachers=(MOBILENETV2_FINE_TUNED, EFFICIENTNET_FINE_TUNED),
    epochs=6,
)

TRANSFER: tuple[Declared, ...] = (
    MOBILENETV2_LINEAR,
    MOBILENETV2_FROZEN,
    MOBILENETV2_FROZEN_AUGMENTED,
    MOBILENETV2_TOP,
    MOBILENETV2_FINE_TUNED,
    EFFICIENTNET_FROZEN,
    EFFICIENTNET_FINE_TUNED,
    EFFICIENTNETV2_FINE_TUNED,
    CONVNEXT_FROZEN,
    SCENES_FINE_TUNED,
    DISTILLED,
)

PROGRAMME: tuple[Declared, ...] = (
    *DESIGNS,
    *TECHNIQUES,
    ALL_AT_ONCE,
    COMBINED,
    COMBINED_LONG,
    RECIPE,
    *TRANSFER,
)
"""Every experiment, in the order of the table."""

PRESETS: dict[PresetName, Preset] = {
    "quick": Preset("quick", 12, (BASELINE, AUGMENTATION, DROPOUT, MOBILENETV2_FROZEN)),
    "full": Preset(
        "full",
        12,
        PROGRAMME,
        repeats=3,
        random_split=("baseline", "combined", "mobilenetv2-frozen", "mobilenetv2-fine-tuned"),
        local_networks=True,
    ),
}
