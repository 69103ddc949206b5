"""Experiments with embeddings made for search: losses, whitening and dimensions."""

from dataclasses import replace

from training.experiments.config import FineTuning, FrozenTransfer
from training.experiments.transfer import (
    BOTH_FROZEN,
    EFFICIENTNET_AVERAGED,
    MOBILENETV2_FINE_TUNED,
)

_FROZEN = replace(BOTH_FROZEN, base=BOTH_FROZEN.name)

WHITENED = replace(
    _FROZEN,
    name="both-frozen-whitened",
    change="Whitened principal components of the features instead of a trained layer",
    whitening=True,
    dropout=0.0,
)
PROXY = replace(
    _FROZEN,
    name="both-frozen-proxy",
    change="An embedding of length 1; its cosines with a vector for each class are the logits",
    metric="proxy",
)
COSINE_MARGIN = replace(
    PROXY,
    name="both-frozen-cosine-margin",
    base=PROXY.name,
    change="A margin of 0.2 between the cosines of the true class and of the others",
    metric="cosine-margin",
)
CONTRASTIVE = replace(
    PROXY,
    name="both-frozen-contrastive",
    base=PROXY.name,
    change="A supervised contrastive loss beside that of the classes",
    metric="contrastive",
)
CONTRASTIVE_64 = replace(
    CONTRASTIVE,
    name="both-frozen-contrastive-64",
    base=CONTRASTIVE.name,
    change="An embedding of 64 dimensions instead of 256",
    hidden=64,
)
CONTRASTIVE_512 = replace(
    CONTRASTIVE,
    name="both-frozen-contrastive-512",
    base=CONTRASTIVE.name,
    change="An embedding of 512 dimensions instead of 256",
    hidden=512,
)
MOBILENETV2_CONTRASTIVE = replace(
    MOBILENETV2_FINE_TUNED,
    name="mobilenetv2-contrastive",
    base=MOBILENETV2_FINE_TUNED.name,
    change="A supervised contrastive loss beside that of the classes",
    metric="contrastive",
)
MOBILENETV2_COSINE_MARGIN = replace(
    MOBILENETV2_FINE_TUNED,
    name="mobilenetv2-cosine-margin",
    base=MOBILENETV2_FINE_TUNED.name,
    change="Cosines with a vector for each class as logits, with a margin of 0.2",
    metric="cosine-margin",
)
MOBILENETV2_LONGER = replace(
    MOBILENETV2_CONTRASTIVE,
    name="mobilenetv2-longer",
    base=MOBILENETV2_CONTRASTIVE.name,
    change="Random crops, flips and colours, for 8 epochs instead of 4",
    augmentation=("crop", "colours"),
    epochs=8,
)
EFFICIENTNET_CONTRASTIVE = replace(
    EFFICIENTNET_AVERAGED,
    name="efficientnetlite0-contrastive",
    base=EFFICIENTNET_AVERAGED.name,
    change="A supervised contrastive loss beside that of the classes",
    metric="contrastive",
)
BOTH_FINE_TUNED = FineTuning(
    name="both-fine-tuned",
    base=CONTRASTIVE.name,
    change="Both backbones fine-tuned from that head on; weights averaged with the initial ones",
    backbone=BOTH_FROZEN.backbone,
    beside=BOTH_FROZEN.beside,
    input=BOTH_FROZEN.input,
    metric="contrastive",
    first_rate=0.3,
    head_first=True,
    averaged=0.5,
)

SEARCH: tuple[FrozenTransfer | FineTuning, ...] = (
    WHITENED,
    PROXY,
    COSINE_MARGIN,
    CONTRASTIVE,
    CONTRASTIVE_64,
    CONTRASTIVE_512,
    MOBILENETV2_COSINE_MARGIN,
    MOBILENETV2_CONTRASTIVE,
    MOBILENETV2_LONGER,
    EFFICIENTNET_CONTRASTIVE,
    BOTH_FINE_TUNED,
)
