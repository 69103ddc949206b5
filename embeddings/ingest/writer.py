"""The one writer of a store that is served: changes in the order of arrival, in group commits."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from embeddings.file_names import to_nfc
from embeddings.ingest.changes import Change, Delete, Distinct, Edit, Put, Restore, Undo, Written
from embeddings.ingest.memory import Encode, StoreMemory
from embeddings.ingest.steps import Step
from embeddings.store.changed_images import ChangedImages
from embeddings.store.store import Store
from embeddings.store.tables import StoreError

_log = logging.getLogger(__name__)

_APPENDED_TABLES = 3
"""Tables that a commit appends to at the same time."""

_LONE = 0.1
"""Share of the time of a group after which a single change is committed alone."""

_MOST_BYTES = 32 << 20
"""Bytes of files in one commit."""


@dataclass
class _Waiting:
    """Change with the future of its result."""

    change: Change
    future: "Future[Written]"
    step: Step | None = None


@dataclass
class _Group:
    """Changes of one commit."""

    decided: list[_Waiting] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    """Ids and digests that the changes concern."""
    size: int = 0
    """Bytes of the files."""
    begun: float = 0.0
    """Time of the first change, by the monotonic clock."""
    arrived: int = 0
    """Number of changes, also of those that failed."""
    error: Exception | None = None
    """Error that fails the whole group."""


class Writer:
    """Writer of a store, which the caller has locked for the lifetime of the writer.

    One thread decides about the changes in the order of their arrival, and commits those that
    arrive within a short time at once, or sooner if only one arrives. The result is that of writing
    them one by one.
    """

    def __init__(
        self,
        store: Store,
        encoder_fingerprint: str,
        applied: Callable[[ChangedImages], None],
        *,
        encode: Encode,
        maintain: Callable[[], bool] | None = None,
        group_seconds: float = 0.02,
        most: int = 100,
    ) -> None:
        """Start the thread, which reads the images of the store.

        `applied` receives the changes of each commit before they are acknowledged. `encode`
        computes missing features of stored images. `maintain` is called after each
        commit and returns whether it deleted files or features.
        """
        self._store = store
        self._encoder, self._encode = encoder_fingerprint, encode
        self._applied, self._maintain = applied, maintain
        self._group_seconds, self._most = group_seconds, most
        self._pool = ThreadPoolExecutor(_APPENDED_TABLES, "writer")
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._held: _Waiting | None = None
        self._memory: StoreMemory | None = None
        self._lock, self._closed = Lock(), False
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, change: Change) -> "Future[Written]":
        """Queue a change and return the future of its result, which is durable.

        The future raises `StoreError`: `UnknownImage`, `ImageChanged` and `InvalidChange` for an
        impossible change, `StoreFull` and `StoreDamaged` for a failed commit. Then the change can
        be submitted again, because writes are idempotent.
        """
        waiting = _Waiting(change, Future())
        # A change cannot be cancelled, because others of its commit may depend on it.
        waiting.future.set_running_or_notify_cancel()
        with self._lock:
            if self._closed:
                raise StoreError("The writer is closed; retry when the service runs again.")
            self._queue.put(waiting)
        return waiting.future

    def use_encoder(self, fingerprint: str, encode: Encode) -> None:
        """Compute and store the features of later commits with another encoder."""
        self._encoder, self._encode = fingerprint, encode

    def close(self) -> None:
        """Commit the changes submitted so far, and end the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()
        self._pool.shutdown()

    def _run(self) -> None:
        try:
            self._memory = StoreMemory(self._store, self._encoder, self._pool)
        except Exception:  # a damaged store is reported by the first change
            _log.exception("The writer cannot read the store.")
        while (group := self._next_group()) is not None:
            self._finish(group)

    def _next_group(self) -> _Group | None:
        """Wait for changes and decide about those of one commit; None at the end."""
        first = self._held or self._queue.get()
        self._held = None
        if first is None:
            return None
        group = _Group(begun=time.monotonic())
        following: _Waiting | None = first
        while following is not None:
            if not self._fits(group, following):
                self._held = following
                break
            self._decide(group, following)
            following = self._next_within(group)
        return group

    def _next_within(self, group: _Group) -> _Waiting | None:
        """Return the next change of a group; None if its time is over or it is full."""
        if len(group.decided) >= self._most or group.size >= _MOST_BYTES or group.error:
            return None
        # A change that comes alone is not worth waiting for others.
        seconds = self._group_seconds * (_LONE if group.arrived == 1 else 1)
        try:
            left = group.begun + seconds - time.monotonic()
            following = self._queue.get(timeout=max(0.0, left))
        except Empty:
            return None
        if following is None:
            # The end is left for the next group.
            self._queue.put(None)
        return following

    def _fits(self, group: _Group, waiting: _Waiting) -> bool:
        touched = set(self._touched_by(waiting.change))
        if group.touched & touched:
            return False
        group.touched |= touched
        return True

    def _touched_by(self, change: Change) -> Iterator[str]:
        """Yield the ids and digests that a change concerns."""
        images = None if self._memory is None else self._memory.images
        for identifier in _ids_of(change):
            yield identifier
            row = None if images is None else images.row_of(identifier)
            if images is not None and row is not None:
                yield from images.contents_of(row)
        if isinstance(change, Put):
            yield from (change.file.source_digest, change.file.blob.digest)

    def _decide(self, group: _Group, waiting: _Waiting) -> None:
        """Decide about a change; its own errors concern no other change."""
        group.arrived += 1
        try:
            memory = self._memory_of_store(group)
            waiting.step = memory.decide(waiting.change)
        except Exception as error:  # also errors of decoders
            waiting.future.set_exception(error)
            return
        group.decided.append(waiting)
        if waiting.step.file is not None:
            group.size += len(waiting.step.file.blob.jpeg)
        try:
            memory.add(waiting.step)
        except Exception as error:  # the memory is incomplete, such as without room for it
            group.error = error

    def _memory_of_store(self, group: _Group) -> StoreMemory:
        """Return the images of the store; read them if the store changed or a commit failed."""
        memory = self._memory
        if memory is None or (not group.decided and memory.is_outdated()):
            memory = self._memory = StoreMemory(self._store, self._encoder, self._pool)
        return memory

    def _finish(self, group: _Group) -> None:
        """Commit a group and resolve its futures."""
        memory = self._memory
        if memory is None or not group.decided:
            return
        try:
            if group.error is not None:
                raise group.error
            changed = memory.commit(self._encoder, self._encode)
        except Exception as error:
            self._memory = None
            for waiting in group.decided:
                waiting.future.set_exception(error)
            return
        if changed is not None:
            self._apply(changed)
        for waiting in group.decided:
            assert waiting.step is not None
            waiting.future.set_result(memory.result(waiting.step))
        if changed is not None:
            memory.settle()
            self._run_maintenance(memory)

    def _apply(self, changed: ChangedImages) -> None:
        try:
            self._applied(changed)
        except Exception:  # the changes are durable, and the state follows the store
            _log.exception("The changes up to revision %d cannot be shown.", changed.revision)

    def _run_maintenance(self, memory: StoreMemory) -> None:
        try:
            if self._maintain is not None and self._maintain():
                memory.read_digests()
        except Exception:  # the store is valid without maintenance
            _log.exception("The maintenance of the store failed.")
            self._memory = None


def _ids_of(change: Change) -> Sequence[str]:
    match change:
        case Put():
            return [to_nfc(change.id)]
        case Undo():
            return [each.decision.id for each in change.decisions]
        case Edit() | Distinct() | Delete() | Restore():
            return [to_nfc(each) for each in change.ids]
