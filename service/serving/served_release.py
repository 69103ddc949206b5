"""Release opened in memory: verified, tested with a real inference, and brought up to date."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial

import lance
import numpy as np
import pyarrow as pa

from embeddings.arrays import Mask, Rows
from embeddings.encoder import Encoder
from embeddings.errors import BelvedereError
from embeddings.images import read_pixels, to_jpeg
from embeddings.live_state import (
    LiveState,
    RevisionLost,
    read_all_changes,
    read_changes,
)
from embeddings.recognition import Recognition, RecognitionModel, prediction_set
from embeddings.release.manifest import Manifest
from embeddings.release.reader import (
    LabelIssue,
    Misclassified,
    Release,
    ReleaseError,
    current_release,
    open_release,
)
from embeddings.release.sealed_index import open_index
from embeddings.review.duplicates import Alike, near_pairs
from embeddings.review.live_evidence import evidence_of
from embeddings.review.queue import Information, measure_information
from embeddings.review.reasons import Reasons
from embeddings.review.sharpness import sharpness
from embeddings.store.blobs import missing_blob, read_jpeg
from embeddings.store.changed_images import ChangedImages
from embeddings.store.selections import StoredSelection
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from service.image_filter import ImageFilter
from service.serving.answer_caches import AnswerCaches
from service.serving.copies import CopyFinder
from service.serving.errors import StoreUnreadable, UnknownImage
from service.serving.filtering import Columns, Filtering, SealedColumns
from service.serving.history import History, LearnedFiles
from service.settings import ServiceSettings

THUMBNAIL_SIDE = 160
"""Longer side of a thumbnail in pixels."""

_TASKS = 2
"""Threads that compare a release with the store while its model is opened."""

_THUMBNAIL_QUALITY = 85
_THUMBNAILS_KEPT = 512
_SHARPNESS_KEPT = 2**14

# CPUs round differently; a wrong encoder differs by far more.
_TOLERANCE = 1e-2


class ImageFiles:
    """JPEG files of the images of a release and of later ones, read from the store by digest.

    If a clean-up of the store replaced the opened version of the table, it is opened again.
    """

    def __init__(self, store: Store, digests: pa.Array) -> None:
        """Open the files with these digests. Raises `StoreError` if the store lacks one of them."""
        self._store = store
        self._digests = digests
        self._opened = self._open()

    def jpeg(self, row: int, digest: str) -> bytes:
        """Return the JPEG file of a row, which has this digest. Raises `StoreUnreadable`."""
        try:
            return self._read(row, digest)
        except StoreError:
            try:
                self._opened = self._open()
                return self._read(row, digest)
            except StoreError as error:
                raise StoreUnreadable from error

    def _read(self, row: int, digest: str) -> bytes:
        if row >= len(self._digests):
            return self._store.blobs.jpeg(digest)
        dataset, rows = self._opened
        return read_jpeg(dataset, int(rows[row]))

    def _open(self) -> tuple[lance.LanceDataset, Rows]:
        blobs = self._store.blobs.open()
        rows = blobs.rows_of(self._digests)
        if (rows < 0).any():
            missing = self._digests[int(np.argmin(rows))].as_py()
            raise missing_blob(self._store.blobs.path, missing)
        return blobs.dataset, rows


@dataclass(frozen=True)
class ServedRelease:
    """State that answers come from: a release with all changes up to a revision.

    It never changes, and is safe to use from many threads. Later states of the same release share
    everything but `live`.
    """

    live: LiveState
    original: LiveState
    """State of the release without changes."""
    store: Store
    model: RecognitionModel
    files: ImageFiles
    sealed: SealedColumns
    history: History
    thumbnails: Callable[[int, str], bytes]
    """Function that returns the thumbnail of a row with a digest as JPEG, with a cache."""
    sharpness: Callable[[int, str], float]
    """Function that returns the sharpness of a row with a digest, with a cache."""
    copies: CopyFinder = field(default_factory=CopyFinder)
    caches: AnswerCaches = field(default_factory=AnswerCaches)
    root_path: str = ""
    """Path under which a reverse proxy publishes the service; addresses begin with it."""

    @property
    def release(self) -> Release:
        """Release without the changes."""
        return self.live.release

    @property
    def manifest(self) -> Manifest:
        """Manifest of the release."""
        return self.release.manifest

    @property
    def revision(self) -> int:
        """Revision of the feature store up to which all changes are contained."""
        return self.live.revision

    @cached_property
    def prefix(self) -> bytes:
        """Beginning of all answers as JSON: release and revision."""
        release = json.dumps(self.manifest.fingerprint, ensure_ascii=False)
        return f'{{"release":{release},"revision":{self.revision},'.encode()

    def changes(self) -> ChangedImages | None:
        """Read the images that changed after this state; None if there are none.

        Raises `StoreError`, and `ImageRejected` for a damaged file without features.
        """
        if self.store.at().revision == self.revision:
            return None
        encoder, encode = self.manifest.encoder.fingerprint, self.model.encoder.encode_files
        try:
            return read_changes(self.store, encoder, self.revision, encode)
        except RevisionLost:
            return read_all_changes(self.store, self.live, encode)

    def with_changes(self, changes: ChangedImages | None) -> "ServedRelease":
        """Return the state with these changes; self without any or if it has them already."""
        if changes is None or changes.revision <= self.revision:
            return self
        return replace(self, live=self.live.apply(changes))

    def row(self, identifier: str) -> int:
        """Return the row number of a stored image. Raises `UnknownImage`."""
        row = self.live.row(identifier)
        if row is None:
            raise UnknownImage(identifier)
        return row

    def recognition(self, row: int) -> Recognition:
        """Return the recognition of a stored image from its stored features."""
        probabilities = self.live.probabilities(row)
        return Recognition(
            embedding=self.live.embedding(row),
            probabilities=probabilities,
            prediction_set=prediction_set(probabilities, self.model.thresholds),
            typicality=self.live.typicality(row),
        )

    @cached_property
    def filtering(self) -> Filtering:
        """Filters of this state."""
        return Filtering(Columns(self.live, self.sealed))

    def among(self, where: ImageFilter) -> Mask | None:
        """Return a mask of the images that meet a filter; None for a filter without conditions."""
        return None if where.is_empty else self.mask(where)

    def mask(self, where: ImageFilter) -> Mask:
        """Return a mask of the images that meet a filter, one value for each row.

        It must not be changed. Raises `UnknownSelection` and `StoreUnreadable`.
        """
        return self.filtering.mask(where, self.selection_of(where))

    def selection_of(self, where: ImageFilter) -> StoredSelection | None:
        """Return the saved selection that a filter names; None if it names none.

        Raises `UnknownSelection` and `StoreUnreadable`.
        """
        return None if where.selection is None else self.history.selection(where.selection)

    def jpeg(self, row: int) -> bytes:
        """Return the JPEG file of a stored image. Raises `StoreUnreadable`."""
        return self.files.jpeg(row, self.live.record(row).digest)

    def thumbnail(self, row: int) -> bytes:
        """Return the thumbnail of a stored image as JPEG. Raises `StoreUnreadable`."""
        return self.thumbnails(row, self.live.record(row).digest)

    @cached_property
    def count(self) -> int:
        """Number of stored images."""
        return int(self.live.live.sum())

    @cached_property
    def learned(self) -> Mask:
        """Mask of the stored images that the model learned from, one value for each row."""
        return self.filtering.columns.learned & self.live.live

    @cached_property
    def not_learned(self) -> int:
        """Number of training images that came after the training of the model."""
        return int((self.mask(ImageFilter(split=("train",))) & ~self.learned).sum())

    @cached_property
    def changed(self) -> Mask:
        """Mask of the rows that the release does not have, or has otherwise; not of dead ones."""
        known = len(self.release.images)
        mask = self.live.live.copy()
        now, then = self.live, self.original
        # A known label or split keeps its number.
        mask[:known] &= (now.labels.numbers[:known] != then.labels.numbers) | (
            now.splits.numbers[:known] != then.splits.numbers
        )
        return mask

    @property
    def change_count(self) -> int:
        """Number of rows that were added, changed or deleted since the release."""
        known = len(self.release.images)
        return int(self.changed.sum()) + int((~self.live.live[:known]).sum())

    @cached_property
    def errors(self) -> tuple[Misclassified, ...]:
        """Misclassified validation images in ascending order of true probability.

        Those of the release that still are, with heat maps, and later ones without. Images of
        classes unknown to the model are left out.
        """
        kept = [error for error in self.release.errors if self._holds(error)]
        rows = np.flatnonzero(self.changed & self.live.splits.equal("validation")).tolist()
        added = filter(None, map(self._error, rows))
        return tuple(sorted((*kept, *added), key=lambda each: (each.true_probability, each.id)))

    def _error(self, row: int) -> Misclassified | None:
        """Return the misclassification of a row; None if it is classified correctly."""
        classes, label = self.manifest.classes, self.live.labels[row]
        predicted = classes[self.live.predicted(row)]
        if label not in classes or label == predicted:
            return None
        return Misclassified(
            id=self.live.record(row).id,
            label=label,
            predicted=predicted,
            true_probability=float(self.live.probabilities(row)[classes.index(label)]),
        )

    @cached_property
    def label_issues(self) -> tuple[LabelIssue, ...]:
        """Likely label errors of the release whose images have still the same file and label."""
        return tuple(issue for issue in self.release.label_issues if self._holds(issue))

    def _holds(self, finding: LabelIssue | Misclassified) -> bool:
        """Return true if the image of a finding has still the file, label and split of it."""
        row = self.live.row(finding.id)
        return row is not None and not self.changed[row]

    @cached_property
    def reasons(self) -> Reasons:
        """Reasons to look at the labels of the stored images, by row."""
        thresholds = self.model.thresholds
        return Reasons(evidence_of(self.live, self.classes, thresholds, self.label_issues))

    @cached_property
    def information(self) -> Information:
        """Information of the images without a label, in the order of their ids."""
        rows = self.live.ids_in_order()
        rows = rows[~self.reasons.evidence.labelled[rows]]
        read = self.live.index.embeddings.__getitem__
        return measure_information(rows, self.live.all_probabilities[rows], read)

    @cached_property
    def validation_count(self) -> int:
        """Number of validation images."""
        return int(self.mask(ImageFilter(split=("validation",))).sum())

    @cached_property
    def alike(self) -> Alike:
        """Pairs of stored images that show the same. Raises `StoreUnreadable`."""
        rows, distances = self.live.neighbor_lists
        thumbnails = self.copies.pairs(self.store, self.live)
        near = near_pairs(rows, distances, self.live.training_distances)
        return Alike(near, thumbnails.among(self.live.live))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Classes of the model, and after them other labels of stored images."""
        known = self.manifest.classes
        others = self.live.labels.present(self.live.live) - {*known}
        return (*known, *sorted(each for each in others if each is not None))


def load_current_release(settings: ServiceSettings) -> ServedRelease:
    """Open the current release, test it, and apply all changes since.

    Raises `ReleaseError` or `StoreError` with the reason for which it cannot be served.
    """
    try:
        release = open_release(current_release(settings.releases_folder))
        store = Store(settings.store_uri)
        # Most of the time is spent outside of the interpreter lock.
        with ThreadPoolExecutor(_TASKS) as pool:
            check = pool.submit(_check_images, store, release)
            opening = pool.submit(ImageFiles, store, release.images.array("digest"))
            model = _recognition_model(release, settings)
            check.result()
            files = opening.result()
        history = History(store, release)
        original = LiveState.of(release, model.index, LearnedFiles(history))
        served = ServedRelease(
            live=original,
            original=original,
            store=store,
            model=model,
            files=files,
            sealed=SealedColumns(release),
            history=history,
            # It refers to the files alone: a reference cycle would keep a replaced release in
            # memory.
            thumbnails=lru_cache(_THUMBNAILS_KEPT)(partial(_thumbnail, files)),
            sharpness=lru_cache(_SHARPNESS_KEPT)(partial(_sharpness, files)),
            root_path=settings.root_path,
        )
        _self_test(served)
        served = served.with_changes(served.changes())
        # Opening reads all ids and digests; requests read few rows.
        release.drop_pages()
    except (ReleaseError, StoreError):
        raise
    except BelvedereError as error:
        raise ReleaseError(str(error)) from error
    except Exception as error:  # each library raises its own errors for unreadable files
        raise ReleaseError(
            f"The release under {settings.releases_folder} cannot be served ({error}); publish it "
            "again."
        ) from error
    return served


def _check_images(store: Store, release: Release) -> None:
    """Raise `StoreError` if the store holds other images at the revision of the release."""
    revision = release.manifest.data.revision
    if not store.at(revision).holds(release.images):
        raise StoreError(
            f"The feature store at revision {revision} holds other images than the release; "
            "run `belvedere publish` again."
        )


def _recognition_model(release: Release, settings: ServiceSettings) -> RecognitionModel:
    return RecognitionModel(
        encoder=Encoder(release.encoder, release.manifest.encoder.precision),
        thresholds=release.uncertainty.sets.thresholds,
        index=open_index(release, settings),
        training=release.learned,
        validation_distances=np.array(release.typicality.distances),
    )


def _thumbnail(files: ImageFiles, row: int, digest: str) -> bytes:
    return to_jpeg(files.jpeg(row, digest), THUMBNAIL_SIDE, _THUMBNAIL_QUALITY)


def _sharpness(files: ImageFiles, row: int, digest: str) -> float:
    return sharpness(files.jpeg(row, digest))


def _self_test(served: ServedRelease) -> None:
    """Encode one image of the release and compare its probabilities with the published ones."""
    encoder, digest = served.model.encoder, served.release.record(0).digest
    pixels = read_pixels(served.files.jpeg(0, digest), encoder.height, encoder.width)
    (encoded,) = encoder.encode_all([pixels])
    answer = encoded.probabilities[0]
    if not np.allclose(answer, served.release.probabilities[0], rtol=0, atol=_TOLERANCE):
        raise ReleaseError(
            "The encoder computes other probabilities on this machine than at publishing; "
            "run `belvedere publish` again."
        )
