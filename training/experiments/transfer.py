"""Experiments with pretrained networks: frozen, fine-tuned, distilled."""

from dataclasses import replace

from training.experiments.config import Declaration, FineTuning, FrozenTransfer
from training.experiments.from_scratch import BASELINE

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
    change="Two augmented views of each image added to the training of the head",
    views=2,
)
MOBILENETV2_TOP = FineTuning(
    name="mobilenetv2-top",
    base=MOBILENETV2_FROZEN.name,
    change="The top third of MobileNetV2 fine-tuned",
    share=1 / 3,
)
MOBILENETV2_FINE_TUNED = FineTuning(
    name="mobilenetv2-fine-tuned",
    base=MOBILENETV2_TOP.name,
    change="All of MobileNetV2 fine-tuned, lower layers with a lower learning rate",
    first_rate=0.3,
)
EFFICIENTNET_FROZEN = FrozenTransfer(
    name="efficientnetlite0-frozen",
    change="EfficientNet-Lite0 pretrained on ImageNet, frozen, with a small head",
    backbone="efficientnet_lite0_features",
    input=(224, 224),
)
EFFICIENTNET_FROZEN_AUGMENTED = replace(
    EFFICIENTNET_FROZEN,
    name="efficientnetlite0-frozen-augmented",
    base=EFFICIENTNET_FROZEN.name,
    change="Two augmented views of each image added to the training of the head",
    views=2,
)
BOTH_FROZEN = replace(
    EFFICIENTNET_FROZEN,
    name="both-frozen",
    base=EFFICIENTNET_FROZEN.name,
    change="Features of MobileNetV2 concatenated to those of EfficientNet-Lite0",
    beside="MobileNetV2",
)
BOTH_FROZEN_AUGMENTED = replace(
    BOTH_FROZEN,
    name="both-frozen-augmented",
    base=BOTH_FROZEN.name,
    change="Two augmented views of each image added to the training of the head",
    views=2,
)
EFFICIENTNET_FINE_TUNED = FineTuning(
    name="efficientnetlite0-fine-tuned",
    base=EFFICIENTNET_FROZEN.name,
    change="All of EfficientNet-Lite0 fine-tuned, lower layers with a lower learning rate",
    backbone="efficientnet_lite0_features",
    input=(224, 224),
    first_rate=0.3,
)
EFFICIENTNET_AVERAGED = replace(
    EFFICIENTNET_FINE_TUNED,
    name="efficientnetlite0-averaged",
    base=EFFICIENTNET_FINE_TUNED.name,
    change="Starts from a head on frozen features; weights averaged with the initial ones",
    head_first=True,
    averaged=0.5,
)
EFFICIENTNETV2_FINE_TUNED = FineTuning(
    name="efficientnetv2b0-fine-tuned",
    change="All of EfficientNetV2-B0 fine-tuned, lower layers with a lower learning rate",
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
    change="The baseline pretrained on generated scenes",
    scenes=300,
)
DISTILLED = FineTuning(
    name="distilled",
    family="distillation",
    base=MOBILENETV2_FINE_TUNED.name,
    change="MobileNetV2 distilled from three models of both backbones",
    input=MOBILENETV2_FROZEN.input,
    first_rate=0.3,
    head_first=True,
    teachers=(MOBILENETV2_FROZEN, EFFICIENTNET_FROZEN, EFFICIENTNET_FINE_TUNED),
)

TRANSFER: tuple[Declaration, ...] = (
    MOBILENETV2_LINEAR,
    MOBILENETV2_FROZEN,
    MOBILENETV2_FROZEN_AUGMENTED,
    MOBILENETV2_TOP,
    MOBILENETV2_FINE_TUNED,
    EFFICIENTNET_FROZEN,
    EFFICIENTNET_FROZEN_AUGMENTED,
    BOTH_FROZEN,
    BOTH_FROZEN_AUGMENTED,
    EFFICIENTNET_FINE_TUNED,
    EFFICIENTNET_AVERAGED,
    EFFICIENTNETV2_FINE_TUNED,
    CONVNEXT_FROZEN,
    SCENES_FINE_TUNED,
    DISTILLED,
)
