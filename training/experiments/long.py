"""Experiments from scratch with long training, and the combination of what helps in it."""

from dataclasses import replace

from training.experiments.config import Combination, FromScratch
from training.experiments.from_scratch import RESIDUAL

_EPOCHS = 12
"""Epochs of a preset; `length` is a factor of them."""

LONG = replace(
    RESIDUAL,
    name="long",
    family="combination",
    base=RESIDUAL.name,
    change="Random crops, flips and colours on images of 64×96 pixels, for 18 epochs",
    input=(64, 96),
    augmentation=("crop", "colours"),
    batch=32,
    length=18 / _EPOCHS,
)

_TECHNIQUE = replace(LONG, family="technique", base=LONG.name)

LONG_ERASING = replace(
    _TECHNIQUE,
    name="long-erasing",
    change="A random rectangle erased in half of the images, beside crops and colours",
    augmentation=(*LONG.augmentation, "erasing"),
)
LONG_MIXED = replace(
    _TECHNIQUE,
    name="long-mixed",
    change="Pairs of images and labels blended, or a rectangle pasted in",
    mixing=("mixup", "cutmix"),
)
LONG_AVERAGING = replace(
    _TECHNIQUE,
    name="long-averaging",
    change="Exponential moving average of the weights",
    averaging=0.998,
)
STOCHASTIC_DEPTH = replace(
    _TECHNIQUE,
    name="stochastic-depth",
    change="Residual blocks skipped at random, the last in a fifth of the images",
    stochastic_depth=0.2,
)
SQUEEZE_EXCITATION = replace(
    _TECHNIQUE,
    name="squeeze-excitation",
    change="Channels of each residual block weighted by their means",
    squeeze_excitation=True,
)
BLUR_POOLING = replace(
    _TECHNIQUE,
    name="blur-pooling",
    change="Maxima blurred before every second one is kept",
    blur_pooling=True,
)
ONE_CYCLE = replace(
    _TECHNIQUE,
    name="one-cycle",
    change="The learning rate rises for 30 % of the epochs to three times its value",
    one_cycle=True,
    learning_rate=3 * LONG.learning_rate,
)
LONG_DECAY = replace(
    _TECHNIQUE,
    name="long-decay",
    change="Decoupled weight decay of 0.05",
    weight_decay=0.05,
)
LONG_SMOOTHING = replace(
    _TECHNIQUE,
    name="long-smoothing",
    change="A tenth of each label spread over all classes",
    label_smoothing=0.1,
)
GROWING_INPUT = replace(
    _TECHNIQUE,
    name="growing-input",
    change="Images of 64×96, 80×120 and 96×144 pixels, with stronger augmentation each time",
    first_inputs=((64, 96), (80, 120)),
    input=(96, 144),
)
GROWING_LARGER = replace(
    _TECHNIQUE,
    name="growing-larger-input",
    change="Images of 64×96, 96×144 and 128×192 pixels, with stronger augmentation each time",
    first_inputs=((64, 96), (96, 144)),
    input=(128, 192),
)
SELF_SUPERVISED = replace(
    _TECHNIQUE,
    name="self-supervised",
    change="Pretrained for 18 epochs on the training images without labels",
    self_supervised=18 / _EPOCHS,
)

_KINDS = (
    (LONG_ERASING,),
    (LONG_MIXED,),
    (LONG_AVERAGING,),
    (STOCHASTIC_DEPTH,),
    (SQUEEZE_EXCITATION,),
    (BLUR_POOLING,),
    (ONE_CYCLE,),
    (LONG_DECAY,),
    (LONG_SMOOTHING,),
    (GROWING_INPUT, GROWING_LARGER),
    (SELF_SUPERVISED,),
)

LONG_COMBINED = Combination(
    name="long-combined",
    base=LONG.name,
    change="The techniques that help in long training, for 100 epochs",
    compared_with=LONG,
    # A technique against overfitting helps less in 18 epochs than in 100, so one seed is enough.
    seeds=1,
    kinds=_KINDS,
    designs=(LONG,),
    length=100 / _EPOCHS,
)

LONG_EXPERIMENTS: tuple[FromScratch | Combination, ...] = (
    LONG,
    *(technique for kind in _KINDS for technique in kind),
    LONG_COMBINED,
)
