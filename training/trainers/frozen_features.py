"""Features of frozen backbones, cached for each image and augmented view."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import keras
import numpy as np
from keras import layers

from embeddings.arrays import Floats, Pixels, Rows
from embeddings.atomic import atomic_file
from embeddings.images import Size
from embeddings.ingest.split import SplitName
from embeddings.runtime import CompiledModel
from training.data.dataset import Dataset
from training.digests import delete_superseded, digest_of, read_cached
from training.experiments.config import BUILDER_VERSION
from training.models.augmentation import AUGMENTATIONS
from training.models.conversion import write_inference_model
from training.models.weights import weights_digest

_BATCH = 16
_VIEW = ("flip", "shift", "zoom")


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of n images from a frozen backbone."""

    features: Floats
    """Shape (n, dimension)."""
    seconds: float
    """Time of the computation, counted in the training time of every experiment that uses it."""


def frozen_features(
    networks: Mapping[str, keras.Model],
    weights: Path | None,
    dataset: Dataset,
    size: Size,
    view: int = 0,
) -> FrozenFeatures:
    """Return the features of every image, computed once and then read from the cache.

    `weights` is the folder that the networks were read from. Features of several backbones are
    concatenated. View 0 is every image unchanged; each other view is an augmented variant of the
    images to fit on. OpenVINO computes them, several times as fast as Keras on a CPU.
    """
    computed = [
        _features_of(name, each, weights, dataset, size, view) for name, each in networks.items()
    ]
    return FrozenFeatures(
        np.concatenate([each.features for each in computed], axis=1),
        sum(each.seconds for each in computed),
    )


def feature_file(backbone: str, key: str, size: Size, view: int, split: SplitName) -> str:
    """Return the name of a file of the cache; with `*` as the key, the pattern of such names."""
    height, width = size
    kind = f"-view{view}-{split}" if view else ""
    return f"{backbone}-{key}-{height}x{width}{kind}.npz"


def _features_of(
    backbone: str,
    network: keras.Model,
    weights: Path | None,
    dataset: Dataset,
    size: Size,
    view: int,
) -> FrozenFeatures:
    pixels_key = dataset.pixels_key(size)
    augmented = dataset.indices.fit.tolist() if view else None
    facts = [pixels_key, weights_digest(backbone, weights), BUILDER_VERSION, augmented]
    key = digest_of(facts)[: len(pixels_key)]
    path = dataset.cache / feature_file(backbone, key, size, view, dataset.split)
    kept = read_cached(path, _read, dataset.warn)
    if kept is None:
        with atomic_file(path) as draft:
            pixels = dataset.pixels(size)
            start = perf_counter()
            if view:
                pixels = _augment(pixels, dataset.indices.fit, view)
            features = _compute(network, pixels, draft.parent, dataset)
            np.savez(draft, features=features, seconds=perf_counter() - start)
        delete_superseded(path, key)
        kept = _read(path)
    return kept


def _read(path: Path) -> FrozenFeatures:
    # NumPy leaves a damaged file open.
    with path.open("rb") as file, np.load(file) as kept:
        return FrozenFeatures(kept["features"], float(kept["seconds"]))


def _augment(pixels: Pixels, rows: Rows, seed: int) -> Pixels:
    augmentation = keras.Sequential(
        [layers.Rescaling(1.0), *(AUGMENTATIONS[name](seed) for name in _VIEW)]
    )
    varied = np.empty((len(rows), *pixels.shape[1:]), np.uint8)
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        made = keras.ops.convert_to_numpy(augmentation(pixels[rows[part]], training=True))
        varied[part] = np.clip(np.rint(made), 0, 255)
    return varied


def _compute(network: keras.Model, pixels: Pixels, folder: Path, dataset: Dataset) -> Floats:
    model = folder / "backbone.xml"
    write_inference_model(network, model)
    outputs = CompiledModel(model).infer_all(pixels)
    return np.concatenate(
        [features for (features,) in dataset.track(outputs, "Frozen features", len(pixels))]
    )
