"""Images of the store in memory, with the changes of the next commit."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from embeddings.encoded import Encoded
from embeddings.ingest.changes import Change, PreparedFile, Written
from embeddings.ingest.collection import Collection
from embeddings.ingest.decisions import decide, thumbnail_of
from embeddings.ingest.steps import Situation, Step
from embeddings.store.changed_images import ChangedImages
from embeddings.store.decision_kinds import IMPORT
from embeddings.store.decision_stack import DecisionStack
from embeddings.store.features import FeatureTable
from embeddings.store.labels import decision_key
from embeddings.store.records import Decision, Images, RecordedDecision, StoredImage
from embeddings.store.store import Store

_NO_DECISIONS = DecisionStack()

Encode = Callable[[Iterable[bytes]], Iterator[Encoded]]
"""Yields the features of JPEG files, such as `Encoder.encode_files`."""


class StoreMemory:
    """Images of one store, whose lock the caller holds.

    After a failed commit, the object must be replaced by a new one.
    """

    def __init__(self, store: Store, encoder: str, pool: ThreadPoolExecutor) -> None:
        """Read the store; `encoder` is a fingerprint. Raises `StoreError`."""
        snapshot = store.at()
        thumbnails = store.blobs.thumbnails(snapshot.all.digests)
        self.images = Collection(snapshot.all, thumbnails, snapshot.split_seed)
        self.revision = snapshot.revision
        """Revision after the last commit."""
        self._store, self._pool = store, pool
        self._features = _Features(store.features(encoder))
        # A killed process can have left files, and decisions about this revision.
        self._blobs = store.blobs.known()
        self._keys = store.labels.keys()
        self._stacks = store.labels.stacks(self._changed)
        self._decided_at = self.revision
        """Revision before the last commit, which is part of the keys of its decisions."""
        self._clear()

    def settle(self) -> None:
        """Reduce the memory of committed records."""
        self.images.settle()

    def read_digests(self) -> None:
        """Read the digests of files and features again, after some were deleted.

        Raises `StoreError`.
        """
        self._blobs = self._store.blobs.known()
        self._features = _Features(self._features.table)

    def is_outdated(self) -> bool:
        """Return whether another process changed images. Raises `StoreError`."""
        snapshot = self._store.at()
        if snapshot.revision == self.revision:
            return False
        return bool(self._store.images.changed_since(self.revision).num_rows)

    def decide(self, change: Change) -> Step:
        """Return the outcome of a change, without adding it. Raises `StoreError`."""
        situation = Situation(self.images, self._read_jpeg, self._decisions_of, self._store.now())
        return decide(change, situation)

    def add(self, step: Step) -> None:
        """Add the changes of a step to the next commit."""
        self.images.set(step.records)
        self._records.update(step.records)
        self._decisions += step.decisions
        if step.file is not None and step.row is not None:
            self.images.set_thumbnail(step.row, thumbnail_of(step.file))
            self._files[step.file.blob.digest] = step.file

    def commit(self, encoder: str, encode: Encode) -> ChangedImages | None:
        """Write the changes and flush them; None if there are none. Raises `StoreError`.

        The table `images` comes last: rows of other tables without an image are harmless.
        """
        if not self._records:
            return None
        now, rows = self._store.now(), [*self._records]
        images = Images.of(self._records.values()).stamped(now)
        encoded, new = self._encoded(images.digests, encoder, encode)
        blobs = [file.blob for digest, file in self._files.items() if digest not in self._blobs]
        appends = (
            self._pool.submit(self._store.blobs.append, blobs),
            self._pool.submit(self._features.append, new),
            self._pool.submit(
                self._store.labels.append, self._decisions, now, self.revision, self._keys
            ),
        )
        errors = [error for each in appends if (error := each.exception()) is not None]
        if errors:
            raise errors[0]
        self._decided_at = self.revision
        if min(rows) >= self._stored:
            self.revision = self._store.images.insert(images, self.revision)
        else:
            self.revision = self._store.images.upsert(images)
        self.images.set(dict(zip(rows, images, strict=True)))
        self._blobs.update(blob.digest for blob in blobs)
        self._keys = set()
        self._remember(now)
        self._clear()
        return ChangedImages(self.revision, images, encoded, encoder)

    def result(self, step: Step) -> Written:
        """Return the result of a committed step."""
        image = None if step.row is None else self.images.record(step.row)
        made = (decision_key(each, self._decided_at) for each in step.decisions)
        return Written(
            step.outcome,
            step.id,
            step.detail,
            self.revision,
            image,
            tuple(self.images.record(row) for row in step.rows),
            step.outcomes,
            (*made, *step.earlier),
        )

    def _changed(self, identifier: str) -> datetime | None:
        row = self.images.row_of(identifier)
        return None if row is None else self.images.record(row).changed

    def _decisions_of(self, identifier: str) -> DecisionStack:
        return self._stacks.get(identifier, _NO_DECISIONS)

    def _remember(self, now: datetime) -> None:
        """Remember the decisions of a commit."""
        for each in self._decisions:
            if each.why == IMPORT:
                self._stacks.pop(each.id, None)
            else:
                key = decision_key(each, self._decided_at)
                self._stacks[each.id].add(RecordedDecision(key, now, each))

    def _clear(self) -> None:
        self._stored = len(self.images)
        self._records: dict[int, StoredImage] = {}
        self._files: dict[str, PreparedFile] = {}
        self._decisions: list[Decision] = []

    def _read_jpeg(self, digest: str) -> bytes:
        file = self._files.get(digest)
        return next(self._store.blobs.jpegs([digest])) if file is None else file.blob.jpeg

    def _read_jpegs(self, digests: Sequence[str]) -> list[bytes]:
        """Return the files with these digests, the stored ones read at once."""
        stored = [each for each in digests if each not in self._files]
        read = dict(zip(stored, self._store.blobs.jpegs(stored), strict=True))
        return [read[each] if each in read else self._files[each].blob.jpeg for each in digests]

    def _encoded(
        self, digests: Sequence[str], encoder: str, encode: Encode
    ) -> tuple[Encoded, dict[str, Encoded]]:
        """Return the features of changed images, and those by digest that the table lacks."""
        if encoder != self._features.table.encoder:
            self._features = _Features(self._store.features(encoder))
        fresh = {
            digest: file.encoded for digest, file in self._files.items() if file.encoder == encoder
        }
        known = self._features.read([each for each in dict.fromkeys(digests) if each not in fresh])
        missing = [each for each in dict.fromkeys(digests) if each not in {**known, **fresh}]
        if missing:
            fresh.update(zip(missing, encode(self._read_jpegs(missing)), strict=True))
        every = {**known, **fresh}
        new = {each: fresh[each] for each in fresh if each not in self._features}
        return Encoded.concatenate(every[each] for each in digests), new


class _Features:
    """Features of one encoder in the store, with the row of each digest."""

    def __init__(self, table: FeatureTable) -> None:
        self.table = table
        self._find_rows()

    def __contains__(self, digest: str) -> bool:
        return digest in self._rows

    def read(self, digests: Sequence[str]) -> dict[str, Encoded]:
        """Return the features that the table has. Raises `StoreDamaged`."""
        found = self._take(digests)
        if found is None:
            # Publishing appends features meanwhile.
            self._find_rows()
            found = self._take([each for each in digests if each in self._rows])
        return found or {}

    def append(self, features: Mapping[str, Encoded]) -> None:
        """Append features that the table lacks. Raises `StoreError`."""
        if features:
            self.table.append([*features], Encoded.concatenate(features.values()))
            for digest in features:
                self._rows[digest] = len(self._rows)

    def _find_rows(self) -> None:
        self._rows = {digest: row for row, digest in enumerate(self.table.digests())}

    def _take(self, digests: Sequence[str]) -> dict[str, Encoded] | None:
        """Return the features of all digests; None if a row is unknown or has another digest."""
        if not digests:
            return {}
        if not all(each in self._rows for each in digests):
            return None
        taken = self.table.take([self._rows[each] for each in digests])
        if taken is None or taken[0] != list(digests):
            return None
        return {digest: taken[1].row(row) for row, digest in enumerate(digests)}
