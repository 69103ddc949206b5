"""Pretrained backbones: their weights from a folder or Keras' download."""

import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
from keras import layers

from embeddings.errors import BelvedereError
from embeddings.images import Size
from training.models.networks import POOLED
from training.models.weights import WEIGHT_FILES, local_weights

BACKBONE = "backbone"
_TIMEOUT_SECONDS = 15.0

# These rescale pixels themselves.
_TAKES_PIXELS = {"EfficientNetV2B0", "ConvNeXtTiny"}


class WeightsUnavailable(BelvedereError):
    """Pretrained weights could not be had; the message says why and what to do."""


def pretrained(name: str, size: Size, weights: Path | None) -> keras.Model:
    """A pretrained network without its top: pixels to pooled features.

    Takes uint8 pixels of shape (n, height, width, 3), gives features of shape (n, dimension). Its
    layer `backbone` is the network down to the last map of features; it is always in inference
    mode, so its batch normalisation keeps what it was pretrained with. Raises `WeightsUnavailable`.
    """
    inner = _application(name, size, weights) if name in WEIGHT_FILES else _file(name, weights)
    expected = inner.input_shape[1:3]
    if expected != (None, None) and expected != size:
        raise WeightsUnavailable(
            f"{name} takes photographs of {expected[0]}×{expected[1]} pixels, not of "
            f"{size[0]}×{size[1]}; declare its experiments with that size."
        )
    inner.name = BACKBONE
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    scale, offset = (1.0, 0.0) if name in _TAKES_PIXELS else (1 / 127.5, -1.0)
    x = layers.Rescaling(scale, offset=offset)(image)
    maps = inner(x, training=False)
    return keras.Model(image, layers.GlobalAveragePooling2D(name=POOLED)(maps))


def side_by_side(networks: Sequence[keras.Model]) -> keras.Model:
    """Pretrained networks as one: the maps of features of all of them, pooled.

    They take photographs of the same size and have maps of the same size. One alone stays as it is.
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
    """Methods: Sandler et al. 2018, Tan and Le 2021, Liu et al. 2022."""
    path = local_weights(name, weights)
    try:
        with _timeout(_TIMEOUT_SECONDS), warnings.catch_warnings():
            # Pooled features need no square input; Keras says so of every other one.
            warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")
            return getattr(keras.applications, name)(
                input_shape=(*size, 3),
                include_top=False,
                weights="imagenet" if path is None else str(path),
            )
    except Exception as error:  # Keras raises a plain Exception for a failed download
        raise WeightsUnavailable(
            f"{name}'s weights could not be had ({error}); put {WEIGHT_FILES[name][0]} into a "
            "folder, set BELVEDERE_WEIGHTS to it and run `belvedere train` again."
        ) from error


def _file(name: str, weights: Path | None) -> keras.Model:
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
            f"{path.name} has no global average pooling, where its features would be taken; "
            "use a network that ends in it."
        )
    return keras.Model(whole.input, pooling[-1].input)


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """Bound the waiting of downloads that offer no time-out of their own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
