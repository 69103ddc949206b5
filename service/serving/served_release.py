"""Release opened in memory: verified, and tested with a real inference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np
import numpy.typing as npt

from embeddings.arrays import Mask, Rows
from embeddings.encoder import Encoder
from embeddings.images import read_pixels, to_jpeg
from embeddings.index import IndexKind, VectorIndex, build_index
from embeddings.recognition import Recognition, RecognitionModel, prediction_set
from embeddings.release.manifest import Manifest
from embeddings.release.reader import Release, ReleaseError, current_release, open_release
from embeddings.store.blobs import Blobs, missing_blob
from embeddings.store.split import Split
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from service.serving.errors import StoreUnreadable, UnknownImage
from service.serving.history import History
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


class ImageFiles:
    """JPEG files of the images of a release, read from the store by digest.

    If a clean-up of the store replaced the opened version of the table, it is opened again.
    """

    def __init__(self, store: Store, digests: Sequence[str]) -> None:
        self._store = store
        self._digests = digests
        self._opened = self._open()

    @classmethod
    def open(cls, store: Store, release: Release) -> "ImageFiles":
        """Open the files of a release. Raises `StoreError` if the store lacks one of them."""
        revision, fingerprint = release.manifest.data.revision, release.manifest.data.fingerprint
        if store.at(revision).images.fingerprint != fingerprint:
            raise StoreError(
                f"The feature store at revision {revision} holds other images than the release; "
                "run `belvedere publish` again."
            )
        return cls(store, release.images.digests)

    def jpeg(self, row: int) -> bytes:
        """Return the JPEG file of a row of the release. Raises `StoreUnreadable`."""
        try:
            return self._read(row)
        except StoreError:
            try:
                self._opened = self._open()
                return self._read(row)
            except StoreError as error:
                raise StoreUnreadable from error

    def _read(self, row: int) -> bytes:
        blobs, rows = self._opened
        return blobs.jpeg(int(rows[row]))

    def _open(self) -> tuple[Blobs, Rows]:
        blobs = self._store.blobs.open()
        rows = blobs.rows_of(self._digests)
        if (rows < 0).any():
            raise missing_blob(self._store.blobs.path, self._digests[int(np.argmin(rows))])
        return blobs, rows


@dataclass(frozen=True)
class ServedRelease:
    """Release with its model, index and images; safe to use from many threads."""

    release: Release
    model: RecognitionModel
    files: ImageFiles
    history: History
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
        return self.files.jpeg(row)

    @cached_property
    def thumbnail(self) -> Callable[[int], bytes]:
        """Function that returns the thumbnail of a row as JPEG, with a cache."""
        # It refers to the files alone: a reference cycle would keep a replaced release in memory.
        return lru_cache(_THUMBNAILS_KEPT)(partial(_thumbnail, self.files))

    @cached_property
    def not_learned(self) -> int:
        """Number of training images that came after the training of the model."""
        return int(((self._splits == "train") & ~self.release.learned).sum())

    @cached_property
    def _labels(self) -> npt.NDArray[np.object_]:
        return np.array(self.release.images.labels, dtype=np.object_)

    @cached_property
    def _splits(self) -> npt.NDArray[np.object_]:
        return self.release.images.splits


def load_current_release(settings: ServiceSettings) -> ServedRelease:
    """Open the current release and test it.

    Raises `ReleaseError` or `StoreError` with the reason for which it cannot be served.
    """
    try:
        release = open_release(current_release(settings.releases))
        store = Store(settings.store_uri)
        served = ServedRelease(
            release=release,
            model=_recognition_model(release, settings.index),
            files=ImageFiles.open(store, release),
            history=History(store, release),
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
        index=build_index(kind, release.images.ids, release.embeddings),
        training=release.learned,
        validation_distances=np.array(release.typicality.distances),
    )


def _prepare(served: ServedRelease) -> None:
    """Compute the cached properties, so that no request does."""
    _ = (
        served.release.records,
        served.release.rows,
        served.release.predicted,
        served._labels,
        served._splits,
    )


def _thumbnail(files: ImageFiles, row: int) -> bytes:
    return to_jpeg(files.jpeg(row), THUMBNAIL_SIDE, _THUMBNAIL_QUALITY)


def _self_test(served: ServedRelease) -> None:
    """Encode one stored image and compare its probabilities with the published ones."""
    encoder = served.model.encoder
    pixels = read_pixels(served.jpeg(0), encoder.height, encoder.width)
    (encoded,) = encoder.encode_all([pixels])
    answer = encoded.probabilities[0]
    if not np.allclose(answer, served.release.probabilities[0], rtol=0, atol=_TOLERANCE):
        raise ReleaseError(
            "The encoder computes other probabilities on this machine than at publishing; "
            "run `belvedere publish` again."
        )
