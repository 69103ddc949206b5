"""Features of frozen backbones, cached for each image, and for augmented views of the images."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import keras
import numpy as np
from keras import layers

from embeddings.arrays import Floats, Pixels, Rows
from embeddings.atomic import atomic_file
from embeddings.images import PIXELS_VERSION, Size
from embeddings.runtime import CompiledModel
from training.data.dataset import Dataset
from training.digests import delete_superseded, digest_of, read_cached
from training.experiments.config import BUILDER_VERSION
from training.models.augmentation import AUGMENTATIONS
from training.models.conversion import write_inference_model
from training.models.weights import weights_digest
from training.trainers.feature_file import (
    NO_ROWS,
    FeatureRows,
    read_digests,
    read_features,
    write_features,
)

_BATCH = 16
_VIEW = ("flip", "shift", "zoom")
_KEY_LENGTH = 16


@dataclass(frozen=True)
class FrozenFeatures:
    """Features of n images from a frozen backbone."""

    features: Floats
    """Shape (n, dimension)."""
    seconds: float
    """Time of their computation, now or by an earlier training."""
    reused_seconds: float
    """Part of `seconds` that an earlier training took."""


@dataclass(frozen=True)
class CachedFeatures:
    """Features of one backbone in the cache: those of the images, or of a view of them."""

    path: Path
    key: str
    digests: tuple[str, ...]
    """Files of the images that the features are needed of."""

    @property
    def is_complete(self) -> bool:
        """True if the file has the features of all images."""
        # Reading the features of a damaged file warns of it.
        with suppress(Exception):
            return read_digests(self.path).issuperset(self.digests)
        return False


@dataclass(frozen=True)
class _Source:
    """Backbone and images that features are computed from."""

    network: keras.Model
    dataset: Dataset
    size: Size
    view: int
    cached: CachedFeatures


def frozen_features(
    networks: Mapping[str, keras.Model],
    weights: Path | None,
    dataset: Dataset,
    size: Size,
    view: int = 0,
) -> FrozenFeatures:
    """Return the features of every image, each computed once and then read from the cache.

    `weights` is the folder that the networks were read from. Features of several backbones are
    concatenated. View 0 is every image unchanged; each other view is an augmented variant of the
    images to fit on. OpenVINO computes them, several times as fast as Keras on a CPU.
    """
    sources = [
        _Source(network, dataset, size, view, cached_features(name, weights, dataset, size, view))
        for name, network in networks.items()
    ]
    found = [_augmented(each) if view else _unchanged(each) for each in sources]
    return FrozenFeatures(
        np.concatenate([each.features for each in found], axis=1),
        sum(each.seconds for each in found),
        sum(each.reused_seconds for each in found),
    )


def cached_features(
    backbone: str, weights: Path | None, dataset: Dataset, size: Size, view: int
) -> CachedFeatures:
    """Return the features of a backbone in the cache, whether they are computed or not.

    Those of unchanged images depend on nothing but the file of each. The images of a view are
    augmented one after the other, so that they depend on all of them and their order.
    """
    height, width = size
    facts: list[object] = [weights_digest(backbone, weights), BUILDER_VERSION, PIXELS_VERSION]
    digests, kind = dataset.images.digests, ""
    if view:
        digests = [digests[row] for row in dataset.indices.fit.tolist()]
        facts.append(digests)
        kind = f"-view{view}-{dataset.split}"
    key = digest_of(facts)[:_KEY_LENGTH]
    path = dataset.cache / f"{backbone}-{key}-{height}x{width}{kind}.npz"
    return CachedFeatures(path, key, tuple(digests))


def _unchanged(source: _Source) -> FrozenFeatures:
    """Return the features of all images after computing those that the cache lacks."""
    kept, digests = _read(source), source.cached.digests
    found = kept.rows_of(digests)
    new = {digests[row]: row for row in np.flatnonzero(found < 0).tolist()}
    reused = float(kept.seconds[found[found >= 0]].sum())
    if new:
        pixels = source.dataset.pixels(source.size)
        computed = _compute(source, tuple(new), lambda: (pixels[row] for row in new.values()))
        kept = _write(source, _needed(kept, source).followed_by(computed))
    rows = kept.take(kept.rows_of(digests))
    return FrozenFeatures(rows.features, float(rows.seconds.sum()), reused)


def _augmented(source: _Source) -> FrozenFeatures:
    """Return the features of a view of the images to fit on, in their order."""
    kept = _read(source)
    reused = float(kept.seconds.sum())
    if kept.digests != source.cached.digests:
        pixels, fit = source.dataset.pixels(source.size), source.dataset.indices.fit
        kept = _write(
            source,
            _compute(source, source.cached.digests, lambda: _augment(pixels, fit, source.view)),
        )
    return FrozenFeatures(kept.features, float(kept.seconds.sum()), reused)


def _read(source: _Source) -> FeatureRows:
    return read_cached(source.cached.path, read_features, source.dataset.warn) or NO_ROWS


def _write(source: _Source, rows: FeatureRows) -> FeatureRows:
    with atomic_file(source.cached.path) as draft:
        write_features(draft, rows)
    delete_superseded(source.cached.path, source.cached.key)
    return rows


def _needed(kept: FeatureRows, source: _Source) -> FeatureRows:
    """Return the rows of images of any dataset version that is kept."""
    stored = source.dataset.snapshot.has_files(kept.digests)
    return kept.take(stored | np.isin(kept.digests, source.cached.digests))


def _augment(pixels: Pixels, rows: Rows, seed: int) -> Pixels:
    augmentation = keras.Sequential(
        [layers.Rescaling(1.0), *(AUGMENTATIONS[name](seed, 1.0) for name in _VIEW)]
    )
    varied = np.empty((len(rows), *pixels.shape[1:]), np.uint8)
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        made = keras.ops.convert_to_numpy(augmentation(pixels[rows[part]], training=True))
        varied[part] = np.clip(np.rint(made), 0, 255)
    return varied


def _compute(
    source: _Source, digests: tuple[str, ...], make_pixels: Callable[[], Iterable[Pixels]]
) -> FeatureRows:
    """Return the features of the images with these digests, and the time of each."""
    start = perf_counter()
    with TemporaryDirectory() as folder:
        model = Path(folder) / "backbone.xml"
        write_inference_model(source.network, model)
        outputs = CompiledModel(model).infer_all(make_pixels())
        tracked = source.dataset.track(outputs, "Frozen features", len(digests))
        features = np.concatenate([features for (features,) in tracked])
    seconds = (perf_counter() - start) / len(digests)
    return FeatureRows(digests, features, np.full(len(digests), seconds))
