"""Release opened in memory: verified, and tested with a real inference."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Mask
from embeddings.encoder import Encoder
from embeddings.images import read_pixels, to_jpeg
from embeddings.index import IndexKind, VectorIndex, build_index
from embeddings.recognition import Recognition, RecognitionModel, prediction_set
from embeddings.release.manifest import Manifest
from embeddings.release.reader import Release, ReleaseError, current_release, open_release
from embeddings.store.images import ImageTable
from embeddings.store.records import Split
from embeddings.store.tables import StoreError
from service.serving.errors import StoreUnreadable, UnknownImage
from service.settings import ServiceSettings

THUMBNAIL_SIDE = 160
"""Longer side of a thumbnail in pixels."""

_THUMBNAIL_QUALITY = 85
_THUMBNAILS_KEPT = 512

# CPUs round differently; a wrong encoder differs by far more.
_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Selection:
    """Filter of stored images; None stands for all."""

    label: str | None = None
    split: Split | None = None


@dataclass(frozen=True)
class ServedRelease:
    """Release with its model, index and images; safe to use from many threads."""

    release: Release
    model: RecognitionModel
    images: ImageTable
    root_path: str = ""
    """Path under which a reverse proxy publishes the service; addresses begin with it."""

    @property
    def index(self) -> VectorIndex:
        """Index of the stored embeddings."""
        return self.model.index

    @property
    def manifest(self) -> Manifest:
        """Manifest of the release."""
        return self.release.manifest

    def row(self, identifier: str) -> int:
        """Return the row number of a stored image. Raises `UnknownImage`."""
        row = self.release.rows.get(identifier)
        if row is None:
            raise UnknownImage(identifier)
        return row

    def recognition(self, row: int) -> Recognition:
        """Return the recognition of a stored image, computed at publishing."""
        release = self.release
        probabilities = release.probabilities[row]
        return Recognition(
            embedding=release.embeddings[row],
            probabilities=probabilities,
            prediction_set=prediction_set(probabilities, self.model.threshold),
            typicality=float(release.typicalities[row]),
        )

    def among(self, selection: Selection) -> Mask | None:
        """Return a mask of the selected images; None if all are selected."""
        return None if selection == Selection() else self.mask(selection)

    def mask(self, selection: Selection) -> Mask:
        """Return a mask of the selected images, shape (n,)."""
        mask = np.ones(len(self.release.images), dtype=np.bool_)
        if selection.label is not None:
            mask &= self._labels == selection.label
        if selection.split is not None:
            mask &= self._splits == selection.split
        return mask

    def jpeg(self, row: int) -> bytes:
        """Return the JPEG file of a stored image. Raises `StoreUnreadable`."""
        return _jpeg(self.images, row)

    @cached_property
    def thumbnail(self) -> Callable[[int], bytes]:
        """Function that returns the thumbnail of a row as JPEG, with a cache."""
        # It refers to the images alone: a reference cycle would keep a replaced release in memory.
        return lru_cache(_THUMBNAILS_KEPT)(partial(_thumbnail, self.images))

    @cached_property
    def _labels(self) -> npt.NDArray[np.object_]:
        return np.array([each.label for each in self.release.images], dtype=np.object_)

    @cached_property
    def _splits(self) -> npt.NDArray[np.object_]:
        return np.array([each.split for each in self.release.images], dtype=np.object_)


def load_current_release(settings: ServiceSettings) -> ServedRelease:
    """Open the current release and test it.

    Raises `ReleaseError` or `StoreError` with the reason for which it cannot be served.
    """
    try:
        release = open_release(current_release(settings.releases))
        manifest = release.manifest
        served = ServedRelease(
            release=release,
            model=_recognition_model(release, settings.index),
            images=ImageTable.open(settings.store_uri, manifest.store.images),
            root_path=settings.root_path,
        )
        _self_test(served)
        _prepare(served)
    except (ReleaseError, StoreError):
        raise
    except Exception as error:  # each library raises its own errors for unreadable files
        raise ReleaseError(
            f"The release under {settings.releases} cannot be served ({error}); publish it again."
        ) from error
    return served


def _recognition_model(release: Release, kind: IndexKind) -> RecognitionModel:
    return RecognitionModel(
        encoder=Encoder(release.encoder, release.manifest.encoder.precision),
        threshold=release.uncertainty.sets.threshold,
        index=build_index(kind, [each.id for each in release.images], release.embeddings),
        training=np.array([each.split == "train" for each in release.images]),
        validation_distances=np.array(release.typicality.distances),
    )


def _prepare(served: ServedRelease) -> None:
    """Compute the cached properties, so that no request does."""
    _ = served.release.rows, served.release.predicted, served._labels, served._splits


def _jpeg(images: ImageTable, row: int) -> bytes:
    try:
        return images.jpeg(row)
    except StoreError as error:
        raise StoreUnreadable from error


def _thumbnail(images: ImageTable, row: int) -> bytes:
    return to_jpeg(_jpeg(images, row), THUMBNAIL_SIDE, _THUMBNAIL_QUALITY)


def _self_test(served: ServedRelease) -> None:
    """Encode one stored image and compare its probabilities with the published ones."""
    manifest = served.manifest
    if served.images.collection.fingerprint != manifest.data.fingerprint:
        raise StoreError(
            f"The feature store at version {manifest.store.images} holds other images than "
            "the release; run `belvedere publish` again."
        )
    encoder = served.model.encoder
    pixels = read_pixels(served.images.jpeg(0), encoder.height, encoder.width)
    (encoded,) = encoder.encode_all([pixels])
    answer = encoded.probabilities[0]
    if not np.allclose(answer, served.release.probabilities[0], rtol=0, atol=_TOLERANCE):
        raise ReleaseError(
            "The encoder computes other probabilities on this machine than at publishing; "
            "run `belvedere publish` again."
        )
