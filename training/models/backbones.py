"""Pretrained backbones, with weights from a folder or downloaded by Keras."""

import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
from keras import layers

from embeddings.errors import BelvedereError
from embeddings.images import Size
from training.models.heads import POOLED
from training.models.weights import WEIGHT_FILES, local_weights

BACKBONE = "backbone"
_TIMEOUT_SECONDS = 15.0

# These networks contain a layer that rescales pixels.
_RESCALES_PIXELS = {"EfficientNetV2B0", "ConvNeXtTiny"}


class WeightsUnavailable(BelvedereError):
    """Missing or unusable pretrained weights; the message gives the reason and the remedy."""


def pretrained(name: str, size: Size, weights: Path | None) -> keras.Model:
    """Return a pretrained network without its top, followed by global average pooling.

    Input: uint8 pixels of shape (n, height, width, 3); output: features of shape (n, dimension).
    The layer `backbone` is the network up to the last feature map. It always runs in inference
    mode, so that batch normalisation keeps its pretrained statistics. Raises `WeightsUnavailable`.
    """
    inner = _application(name, size, weights) if name in WEIGHT_FILES else _load_file(name, weights)
    expected = inner.input_shape[1:3]
    if expected != (None, None) and expected != size:
        raise WeightsUnavailable(
            f"{name} needs images of {expected[0]}×{expected[1]} pixels, not "
            f"{size[0]}×{size[1]}; declare its experiments with that size."
        )
    inner.name = BACKBONE
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    scale, offset = (1.0, 0.0) if name in _RESCALES_PIXELS else (1 / 127.5, -1.0)
    x = layers.Rescaling(scale, offset=offset)(image)
    maps = inner(x, training=False)
    return keras.Model(image, layers.GlobalAveragePooling2D(name=POOLED)(maps))


def side_by_side(networks: Sequence[keras.Model]) -> keras.Model:
    """Return one network that concatenates the feature maps of pretrained networks and pools them.

    Input sizes and feature map sizes must agree. A single network is returned unchanged.
    """
    if len(networks) == 1:
        return networks[0]
    image = keras.Input(networks[0].input_shape[1:], dtype="uint8", name="image")
    maps = [
        keras.Model(each.input, each.get_layer(POOLED).input, name=f"{BACKBONE}-{number}")(image)
        for number, each in enumerate(networks)
    ]
    joined = layers.Concatenate()(maps)
    return keras.Model(image, layers.GlobalAveragePooling2D(name=POOLED)(joined))


def _application(name: str, size: Size, weights: Path | None) -> keras.Model:
    """Load a network of `keras.applications`: Sandler 2018, Tan and Le 2021, Liu 2022."""
    path = local_weights(name, weights)
    try:
        with _timeout(_TIMEOUT_SECONDS), warnings.catch_warnings():
            # Keras warns of every input that is not square; pooled features allow any shape.
            warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")
            return getattr(keras.applications, name)(
                input_shape=(*size, 3),
                include_top=False,
                weights="imagenet" if path is None else str(path),
            )
    except Exception as error:  # Keras raises a plain Exception for a failed download
        raise WeightsUnavailable(
            f"{name}'s weights could not be loaded ({error}); put {WEIGHT_FILES[name][0]} into a "
            "folder, set BELVEDERE_WEIGHTS to it and run `belvedere train` again."
        ) from error


def _load_file(name: str, weights: Path | None) -> keras.Model:
    path = local_weights(name, weights)
    if path is None:
        raise WeightsUnavailable(
            f"{name}.keras is not in the folder that BELVEDERE_WEIGHTS names; put it there and "
            "run `belvedere train` again."
        )
    try:
        whole = keras.models.load_model(path, compile=False)
    except (OSError, ValueError) as error:
        raise WeightsUnavailable(
            f"{path.name} cannot be read as a Keras network ({error}); replace it."
        ) from error
    pooling = [each for each in whole.layers if isinstance(each, layers.GlobalAveragePooling2D)]
    if not pooling:
        raise WeightsUnavailable(
            f"{path.name} has no layer of global average pooling, whose input the features come "
            "from; use a network that has one."
        )
    return keras.Model(whole.input, pooling[-1].input)


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """Set the socket time-out of downloads that have none of their own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
