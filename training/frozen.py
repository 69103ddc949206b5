"""Features of a frozen backbone: computed once for each photograph and each variant of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import keras
import numpy as np
from keras import layers

from embeddings.atomic import atomic_file
from embeddings.images import Pixels
from embeddings.runtime import CompiledNetwork, Floats
from training.dataset import Dataset, Rows
from training.experiments import Size
from training.techniques import AUGMENTATIONS

_BATCH = 16
_VIEW = ("flip", "shift", "zoom")


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of n photographs under a frozen backbone."""

    features: Floats
    """Shape (n, dimension)."""
    seconds: float
    """What computing them took; spent once, counted in every experiment that uses them."""


def frozen_features(
    networks: Mapping[str, keras.Model], dataset: Dataset, size: Size, view: int = 0
) -> FrozenFeatures:
    """Compute the features of every photograph once, or read them where that was done.

    Those of several backbones stand one after the other. View 0 is every photograph as it is; the
    others are augmented, those learned from alone. The runtime that also serves is several times as
    fast as Keras on a CPU.
    """
    found = [_of_one(name, each, dataset, size, view) for name, each in networks.items()]
    return FrozenFeatures(
        np.concatenate([each.features for each in found], axis=1),
        sum(each.seconds for each in found),
    )


def _of_one(
    backbone: str, network: keras.Model, dataset: Dataset, size: Size, view: int
) -> FrozenFeatures:
    height, width = size
    kind = f"-view{view}-{dataset.split}" if view else ""
    name = f"{backbone}-{dataset.fingerprint[:16]}-{height}x{width}{kind}.npz"
    path = dataset.cache / name
    if not path.exists():
        with atomic_file(path) as draft:
            pixels = dataset.pixels(size)
            start = perf_counter()
            if view:
                pixels = _varied(pixels, dataset.parts.fit, view)
            features = _compute(network, pixels, draft.parent, dataset)
            np.savez(draft, features=features, seconds=perf_counter() - start)
    with np.load(path) as kept:
        return FrozenFeatures(kept["features"], float(kept["seconds"]))


def _varied(pixels: Pixels, rows: Rows, seed: int) -> Pixels:
    vary = keras.Sequential([layers.Rescaling(1.0), *(AUGMENTATIONS[name](seed) for name in _VIEW)])
    varied = np.empty((len(rows), *pixels.shape[1:]), np.uint8)
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        made = keras.ops.convert_to_numpy(vary(pixels[rows[part]], training=True))
        varied[part] = np.clip(np.rint(made), 0, 255)
    return varied


def _compute(network: keras.Model, pixels: Pixels, folder: Path, dataset: Dataset) -> Floats:
    model = folder / "backbone.xml"
    network.export(str(model), format="openvino", verbose=False)
    found = CompiledNetwork(model).infer_all(pixels)
    return np.concatenate(
        [features for (features,) in dataset.track(found, "Frozen features", len(pixels))]
    )
