"""Table of images, one row per image without its file: the commit point of the store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embeddings.arrays import Mask, Rows
from embeddings.objects import in_object_storage
from embeddings.store.blobs import Blobs, BlobTable, missing_blob
from embeddings.store.columns import is_ascending
from embeddings.store.flushing import flush_table
from embeddings.store.records import FINGERPRINTED, IMAGE_SCHEMA, Images, StoredImage
from embeddings.store.split import Split
from embeddings.store.tables import (
    StoreError,
    check_lease,
    create_table,
    open_table,
    table_uri,
    translate_errors,
    write_rows,
)

_SEED = b"belvedere.split_seed"
_RULE = b"belvedere.split_rule"


@dataclass(frozen=True)
class Snapshot:
    """Images of the store at one revision."""

    uri: str
    dataset: lance.LanceDataset

    @property
    def revision(self) -> int:
        """Version of the table `images`."""
        return int(self.dataset.version)

    @cached_property
    def all(self) -> Images:
        """All images including deleted ones, ordered by id. Raises `StoreDamaged`."""
        with translate_errors(self.dataset.uri):
            table = self.dataset.to_table(columns=IMAGE_SCHEMA.names)
        order = pc.sort_indices(table, [("id", "ascending")])
        return Images(table.take(order).cast(IMAGE_SCHEMA))

    @cached_property
    def images(self) -> Images:
        """All images that are not deleted, ordered by id. Raises `StoreDamaged`."""
        return self.all.take(~self._is_deleted)

    @cached_property
    def deleted(self) -> Images:
        """All deleted images, ordered by id. Raises `StoreDamaged`."""
        return self.all.take(self._is_deleted)

    def holds(self, images: Images) -> bool:
        """Return True if the images that are not deleted equal `images`, which are ordered by id.

        The facts of `Images.fingerprint` are compared, the largest after the others, so that less
        is in memory. Raises `StoreDamaged`.
        """
        *short, digest = FINGERPRINTED
        columns = self._columns([*short, "deleted"])
        ids = columns.column("id")
        if len(ids) != len(images):
            return False
        order = None if is_ascending(ids.combine_chunks()) else pc.sort_indices(ids)
        return _equal(columns.select(short), order, images) and _equal(
            self._columns([digest, "deleted"]).select([digest]), order, images
        )

    def _columns(self, names: list[str]) -> pa.Table:
        """Return columns, `deleted` among them, of the images that are not deleted."""
        with translate_errors(self.dataset.uri):
            table = self.dataset.to_table(columns=names)
        deleted = table.column("deleted")
        # A filter of Lance takes as long as the columns.
        return table if deleted.null_count == len(table) else table.filter(pc.is_null(deleted))

    def find(self, identifier: str) -> StoredImage | None:
        """Return the record of an id, deleted or not; None without one. Raises `StoreDamaged`."""
        condition = "id = '{}'".format(identifier.replace("'", "''"))
        with translate_errors(self.dataset.uri):
            table = self.dataset.to_table(columns=IMAGE_SCHEMA.names, filter=condition)
        return Images(table.cast(IMAGE_SCHEMA))[0] if len(table) else None

    @cached_property
    def training_files(self) -> pa.Array:
        """Digests of the training images, with those of the tuning set. Raises `StoreDamaged`."""
        return self._files("train")

    @cached_property
    def validation_files(self) -> pa.Array:
        """Digests of the validation images. Raises `StoreDamaged`."""
        return self._files("validation")

    def _files(self, split: Split) -> pa.Array:
        with translate_errors(self.dataset.uri):
            table = self.dataset.to_table(
                columns=["digest"], filter=f"deleted IS NULL AND split = '{split}'"
            )
        return pa.concat_arrays([pa.array([], pa.string()), *table.column("digest").chunks])

    @property
    def training_digests(self) -> frozenset[str]:
        """The same as strings."""
        return frozenset(self.training_files.to_pylist())

    @property
    def split_seed(self) -> int:
        """Seed of the split, fixed when the store was created."""
        return int(self._metadata[_SEED])

    @property
    def split_rule(self) -> int:
        """Version of the split rule that placed the images of the first ingest."""
        return int(self._metadata[_RULE])

    @cached_property
    def blobs(self) -> Blobs:
        """Files of the images. Raises `StoreError`."""
        return BlobTable(self.uri).open()

    def jpeg(self, digest: str) -> bytes:
        """Return the JPEG file with a digest. Raises `StoreError` if it is missing."""
        return next(self.jpegs([digest]))

    def jpegs(self, digests: Sequence[str]) -> Iterator[bytes]:
        """Yield the JPEG files with these digests in their order, read in batches.

        If a clean-up of the store removes the opened version of the table meanwhile, the newest
        one is opened. Raises `StoreError` if a file is missing.
        """
        blobs, done = self.blobs, 0
        while done < len(digests):
            rows = _rows_of(digests[done:], blobs)
            try:
                for jpeg in blobs.jpegs(rows):
                    yield jpeg
                    done += 1
            except StoreError:
                newest = BlobTable(self.uri).open()
                if newest.dataset.version == blobs.dataset.version:
                    raise
                blobs = newest

    def has_files(self, digests: Sequence[str]) -> Mask:
        """Return a mask of the digests whose JPEG file the store has. Raises `StoreError`."""
        mask: Mask = self.blobs.rows_of(digests) >= 0
        return mask

    @property
    def _is_deleted(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        column = self.all.table.column("deleted")
        return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), np.bool_)

    @property
    def _metadata(self) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = self.dataset.schema.metadata
        return found


def _equal(table: pa.Table, order: pa.Array | None, images: Images) -> bool:
    """Return True if the columns of a table, in an order of its rows, are those of images."""
    for name in table.column_names:
        column = table.column(name)
        if order is not None:
            column = pa.chunked_array([column.combine_chunks().take(order)])
        if not column.equals(images.table.column(name)):
            return False
    return True


def _rows_of(digests: Sequence[str], blobs: Blobs) -> Rows:
    rows = blobs.rows_of(digests)
    if (rows < 0).any():
        raise missing_blob(blobs.dataset.uri, digests[int(np.argmin(rows))])
    return rows


@dataclass(frozen=True)
class ImageTable:
    """Table `images`: upsert by id; deleted images keep their row."""

    uri: str

    @property
    def path(self) -> str:
        """URI of the table."""
        return table_uri(self.uri, "images")

    @property
    def exists(self) -> bool:
        """True if the store was created. Raises `OtherFormat` and `StoreDamaged`."""
        return open_table(self.path) is not None

    def create(self, split_seed: int, split_rule: int) -> None:
        """Create the empty table with the seed and the rule of its split."""
        metadata = {_SEED: str(split_seed).encode(), _RULE: str(split_rule).encode()}
        create_table(self.path, IMAGE_SCHEMA, metadata)

    def open(self, version: int | str | None = None) -> Snapshot:
        """Open a revision, the revision of a tag, or the newest.

        Raises `StoreError` if it does not exist, `OtherFormat` and `StoreDamaged`.
        """
        newest = open_table(self.path)
        if newest is None:
            raise StoreError(
                f"The feature store {self.uri} has no images; run `belvedere data` first."
            )
        if version is None:
            return Snapshot(self.uri, newest)
        number = self._number(newest, version)
        dataset = None if number is None else open_table(self.path, number)
        if dataset is None:
            raise StoreError(
                f"The feature store {self.uri} has no dataset version {version!r}; "
                "`belvedere versions` lists those that exist."
            )
        return Snapshot(self.uri, dataset)

    def upsert(self, images: Images) -> int:
        """Add or replace rows by id in one atomic commit and return the revision.

        Raises `StoreError` and `StoreDamaged`.
        """
        dataset = self.open().dataset
        if len(images):
            check_lease(self.path)
            with translate_errors(self.path):
                merge = dataset.merge_insert("id")
                merge.when_matched_update_all().when_not_matched_insert_all()
                if in_object_storage(self.uri):
                    # A process that was suspended after the check must not commit to the revision
                    # of the next holder of the lease.
                    merge.conflict_retries(0)
                # With an index on `id`, two writers can insert one id twice.
                merge.use_index(False).execute(images.table)
                flush_table(self.path)
        return int(dataset.latest_version)

    def insert(self, images: Images, after: int) -> int:
        """Append images with new ids to a revision in one atomic commit and return the revision.

        Unlike `upsert`, it does not read the ids of the table: the caller holds the lock of the
        store and knows them. If the newest revision is not `after`, the rows are upserted, as in
        object storage, where an append cannot be bound to a revision. Raises `StoreError` and
        `StoreDamaged`.
        """
        if in_object_storage(self.uri) or self.open().revision != after:
            return self.upsert(images)
        revision = int(write_rows(self.path, images.table, "append").version)
        with translate_errors(self.path):
            flush_table(self.path)
        return revision

    def changed_since(self, revision: int, until: int | None = None) -> pa.Table:
        """Return the rows changed after a revision with the revision of their creation.

        Columns: `id`, `deleted` and `_row_created_at_version`.
        """
        dataset = self.open(until).dataset
        with translate_errors(self.path):
            return dataset.to_table(
                columns=["id", "deleted", "_row_created_at_version"],
                filter=f"_row_last_updated_at_version > {int(revision)}",
            )

    def changed_rows(self, snapshot: Snapshot, since: int) -> tuple[int, Images]:
        """Return the images changed after a revision and the number of those created after it."""
        with translate_errors(self.path):
            table = snapshot.dataset.to_table(
                columns=[*IMAGE_SCHEMA.names, "_row_created_at_version"],
                filter=f"_row_last_updated_at_version > {int(since)}",
            )
        created = pc.sum(pc.greater(table.column("_row_created_at_version"), since)).as_py()
        return created or 0, Images(table.select(IMAGE_SCHEMA.names).cast(IMAGE_SCHEMA))

    def _number(self, newest: lance.LanceDataset, version: int | str) -> int | None:
        if isinstance(version, int):
            return version
        with translate_errors(self.path):
            tags = newest.tags.list()
        if version in tags:
            return int(tags[version]["version"])
        # Lance's versions are 64-bit numbers.
        return int(version) if version.isdecimal() and len(version) < 19 else None
