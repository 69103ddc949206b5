"""Experiments from scratch: designs, techniques against overfitting, combinations."""

from dataclasses import replace

from training.experiments.config import Combination, FromScratch

BASELINE = FromScratch(
    name="baseline",
    change="Convolutional network without techniques against overfitting",
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
    change="RandAugment: two random operations on every image",
    augmentation=("randaugment",),
)
RANDOM_ERASING = replace(
    _TECHNIQUE,
    name="random-erasing",
    change="A random rectangle erased in half of the images",
    augmentation=("erasing",),
)
MIXUP = replace(
    _TECHNIQUE,
    name="mixup",
    change="Pairs of images and labels blended",
    mixing=("mixup",),
)
CUTMIX = replace(
    _TECHNIQUE,
    name="cutmix",
    change="A rectangle of another image pasted in, labels mixed by area",
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
    change="Higher loss weights of rare classes",
    class_weights=True,
)
EARLY_STOPPING = replace(
    _TECHNIQUE,
    name="early-stopping",
    change="Stop when the tuning loss stops falling, restore the best weights",
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
    change="Images of 128×192 instead of 96×144 pixels",
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
"""Techniques, grouped by kind; none changes the inference cost."""

TECHNIQUES = (*(technique for kind in KINDS for technique in kind), LARGER_INPUT)

ALL_AT_ONCE = Combination(
    name="all-that-helped",
    base=BASELINE.name,
    change="Every technique that is helpful alone, all at once",
    compared_with=BASELINE,
    kinds=KINDS,
    designs=(BASELINE,),
)
COMBINED = replace(
    ALL_AT_ONCE,
    name="combined",
    change="The techniques that are helpful together, added one by one",
    stepwise=True,
    ablation=True,
)
COMBINED_DEEPER = replace(
    COMBINED,
    name="combined-deeper",
    base=COMBINED.name,
    change="The same techniques on the best design, trained twice as long",
    designs=DESIGNS,
    length=2.0,
    ablation=False,
)
RECIPE = replace(
    RESIDUAL,
    name="residual-recipe",
    family="combination",
    base=RESIDUAL.name,
    change="Common recipe: flips, crops, MixUp, CutMix, weight decay, three times as long",
    augmentation=AUGMENTATION.augmentation,
    mixing=("mixup", "cutmix"),
    weight_decay=0.05,
    length=3.0,
)
