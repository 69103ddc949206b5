"""Feature store in Lance tables: the verbs of the store over its tables."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from embeddings.objects import Objects, ObjectStorageError, in_object_storage
from embeddings.progress import Track, no_progress
from embeddings.settings import is_remote
from embeddings.store.blobs import BLOB_SCHEMA, BlobTable
from embeddings.store.erasing import Erased, Traces, erase, find_traces
from embeddings.store.features import FeatureTable
from embeddings.store.files import FILE_SCHEMA, FileLedger
from embeddings.store.images import ImageTable, Snapshot
from embeddings.store.labels import LABEL_SCHEMA, LabelJournal
from embeddings.store.records import Decision, Images, StoredImage
from embeddings.store.retention import Retention
from embeddings.store.selections import SelectionTable
from embeddings.store.tables import StoreDamaged, StoreError, create_table, open_table
from embeddings.store.verification import Check, verify_store
from embeddings.store.versions import (
    Changes,
    DatasetVersion,
    Difference,
    changes,
    clean_up,
    delete_tag,
    difference,
    list_tags,
    list_versions,
    set_tag,
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Store:
    """Feature store at a Lance URI; implements `FeatureStore`.

    A caller of a method that writes must hold the lock of the home.
    """

    uri: str
    now: Callable[[], datetime] = field(default=_utc_now, compare=False)
    """Clock of the times in the tables, UTC."""

    @property
    def images(self) -> ImageTable:
        """Table `images`."""
        return ImageTable(self.uri)

    @property
    def blobs(self) -> BlobTable:
        """Table `blobs`."""
        return BlobTable(self.uri)

    @property
    def files(self) -> FileLedger:
        """Table `files`."""
        return FileLedger(self.uri)

    @property
    def labels(self) -> LabelJournal:
        """Table `labels`."""
        return LabelJournal(self.uri)

    @property
    def selections(self) -> SelectionTable:
        """Table `selections`."""
        return SelectionTable(self.uri)

    def features(self, encoder: str) -> FeatureTable:
        """Return the table of features for the encoder with this fingerprint."""
        return FeatureTable(self.uri, encoder)

    @property
    def exists(self) -> bool:
        """True if the store was created. Raises `OtherFormat` and `StoreDamaged`."""
        return self.images.exists

    def create(self, *, split_seed: int, split_rule: int) -> None:
        """Create the tables that are missing; the seed and rule of the split are fixed with them.

        Raises `OtherFormat` and `StoreDamaged`.
        """
        others = (
            (self.blobs.path, BLOB_SCHEMA),
            (self.files.path, FILE_SCHEMA),
            (self.labels.path, LABEL_SCHEMA),
        )
        if self.exists:
            return
        for path, schema in others:
            if open_table(path) is None:
                create_table(path, schema, {})
        self.images.create(split_seed, split_rule)

    def put(self, images: Sequence[StoredImage], decisions: Sequence[Decision] = ()) -> int:
        """Add or replace images by id and return the revision.

        Their blobs must be stored already. The decisions are appended first; `images` is the commit
        point. Sets `changed`, and `added` for an image without it. Raises `StoreError`.
        """
        now = self.now()
        self.labels.append(decisions, now, self.images.open().revision)
        rows = images if isinstance(images, Images) else Images.of(images)
        return self.images.upsert(rows.stamped(now))

    def delete(self, ids: Collection[str]) -> int:
        """Mark images as deleted and return the revision. Raises `StoreError` for an unknown id."""
        return self._mark(ids, self.now())

    def restore(self, ids: Collection[str]) -> int:
        """Take the deletion of images back and return the revision.

        Raises `StoreError` for an unknown id.
        """
        return self._mark(ids, None)

    def at(self, version: int | str | None = None) -> Snapshot:
        """Return the images at a revision, at a tag, or at the newest revision.

        Raises `StoreError` if it does not exist, `OtherFormat` and `StoreDamaged`.
        """
        return self.images.open(version)

    def changes(self, since: int, until: int | None = None) -> Changes:
        """Return the ids that changed after a revision. Raises `StoreError`."""
        return changes(self.images, since, until)

    def difference(self, before: int | str, after: int | str) -> Difference:
        """Return the difference between two dataset versions. Raises `StoreError`."""
        return difference(self.at(before), self.at(after))

    def versions(self) -> tuple[DatasetVersion, ...]:
        """Return all dataset versions, the oldest first. Raises `StoreError`."""
        return list_versions(self.images)

    def tags(self) -> dict[str, int]:
        """Return the revision of each tag. Raises `StoreError`."""
        return list_tags(self.images)

    def tag(self, name: str, revision: int | None = None) -> None:
        """Set a tag to a revision, by default to the newest. Raises `StoreError`."""
        set_tag(self.images, name, revision)

    def untag(self, name: str) -> None:
        """Delete a tag. Raises `StoreError`."""
        delete_tag(self.images, name)

    def find_traces(self, ids: Sequence[str]) -> Traces:
        """Return all traces of images in any revision. Raises `StoreError`."""
        return find_traces(self.images, ids)

    def erase(self, traces: Traces) -> Erased:
        """Erase images from all tables and all revisions. Raises `StoreError`."""
        return erase(self.images, self.feature_paths(), traces)

    def compact(self, retention: Retention) -> bool:
        """Compact all tables, delete old versions and the rows that none needs.

        Returns whether files or features were deleted. Raises `StoreDamaged`.
        """
        return self.exists and clean_up(self.images, retention, self.now(), self.feature_paths())

    def verify(self, track: Track = no_progress) -> tuple[Check, ...]:
        """Check all tables against each other; reads every file of an image."""
        return verify_store(self.images, self.feature_paths(), track)

    def feature_paths(self) -> list[str]:
        """Return the paths of the feature tables. Raises `StoreDamaged`."""
        if in_object_storage(self.uri):
            try:
                found = Objects.open(self.uri).folders("features")
            except ObjectStorageError as error:
                raise StoreDamaged(str(error)) from error
            return [f"{self.uri.rstrip('/')}/features/{name}" for name in found]
        if is_remote(self.uri):
            return []
        return sorted(str(path) for path in Path(self.uri, "features").glob("*.lance"))

    def _mark(self, ids: Collection[str], deleted: datetime | None) -> int:
        found = self._records(ids)
        changed = [image for image in found if (image.deleted is None) != (deleted is None)]
        return self.put([image.model_copy(update={"deleted": deleted}) for image in changed])

    def _records(self, ids: Collection[str]) -> list[StoredImage]:
        known = self.at().all
        rows = {identifier: row for row, identifier in enumerate(known.ids)}
        missing = [identifier for identifier in ids if identifier not in rows]
        if missing:
            raise StoreError(f"The feature store {self.uri} has no image {missing[0]!r}.")
        return [known[rows[identifier]] for identifier in ids]
