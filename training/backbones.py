"""Pretrained backbones: their weights from a folder or Keras' download, their features once."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import keras
import numpy as np
from keras import layers

from embeddings.images import Pixels
from embeddings.runtime import BATCH, CompiledNetwork, Floats
from training.dataset import Dataset
from training.experiments import Size
from training.weights import WEIGHT_FILES, local_weights

_MOBILENET = "MobileNetV2"
_TIMEOUT_SECONDS = 15.0


class WeightsUnavailable(RuntimeError):
    """Pretrained weights could not be had; the message says why and what to do."""


def mobilenet_v2(size: Size, weights: Path | None) -> keras.Model:
    """MobileNetV2 without its top, pretrained on ImageNet: pixels to features.

    Takes uint8 pixels of shape (n, height, width, 3), gives features of shape (n, 1280). Method:
    Sandler et al. 2018. Raises `WeightsUnavailable`.
    """
    path = local_weights(_MOBILENET, weights)
    image = keras.Input((*size, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    try:
        with _timeout(_TIMEOUT_SECONDS):
            backbone = keras.applications.MobileNetV2(
                input_shape=(*size, 3),
                include_top=False,
                pooling="avg",
                weights="imagenet" if path is None else str(path),
            )
    except Exception as error:  # Keras raises a plain Exception for a failed download
        raise WeightsUnavailable(
            f"MobileNetV2's weights could not be had ({error}); put "
            f"{WEIGHT_FILES[_MOBILENET][0]} into a folder, set BELVEDERE_WEIGHTS to it "
            "and run `belvedere train` again."
        ) from error
    backbone.trainable = False
    return keras.Model(image, backbone(x, training=False), name="backbone")


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of n photographs under a frozen backbone."""

    features: Floats
    """Shape (n, dimension)."""
    seconds: float
    """What computing them took; spent once, counted in every experiment that uses them."""


def frozen_features(
    backbone: keras.Model, dataset: Dataset, size: Size, name: str
) -> FrozenFeatures:
    """Compute the features of every photograph once, or read them where that was done.

    The runtime that also serves is several times as fast as Keras on a CPU.
    """
    height, width = size
    path = dataset.cache / f"{name}-{dataset.fingerprint[:16]}-{height}x{width}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".features-", dir=path.parent) as temporary:
            pixels = dataset.pixels(size)
            start = perf_counter()
            features = _compute(backbone, pixels, Path(temporary), dataset)
            draft = Path(temporary) / path.name
            np.savez(draft, features=features, seconds=perf_counter() - start)
            draft.replace(path)
    with np.load(path) as kept:
        return FrozenFeatures(kept["features"], float(kept["seconds"]))


def _compute(backbone: keras.Model, pixels: Pixels, folder: Path, dataset: Dataset) -> Floats:
    model = folder / "backbone.xml"
    backbone.export(str(model), format="openvino", verbose=False)
    batches = CompiledNetwork(model).infer_all(pixels)
    total = -(-len(pixels) // BATCH)
    return np.concatenate(
        [features for (features,) in dataset.track(batches, "Frozen features", total)]
    )


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """Bound the waiting of downloads that offer no time-out of their own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
