"""Changes of the images by this process: the writer of the feature store and its lock."""

from asyncio import wrap_future
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from embeddings.file_names import to_nfc
from embeddings.ingest.changes import Change, PreparedFile, Written
from embeddings.ingest.names import checked_selection
from embeddings.ingest.preparation import prepare
from embeddings.ingest.writer import Writer
from embeddings.lock import SERVICE, store_lock
from embeddings.store.changed_images import ChangedImages
from embeddings.store.maintenance import Maintenance
from embeddings.store.selections import StoredSelection
from embeddings.store.store import Store
from embeddings.store.tables import StoreError
from service.metrics import Metrics
from service.serving.errors import QueueFull, ReleaseUnavailable, SelectionChanged
from service.serving.jobs import Jobs
from service.serving.served_release import ServedRelease
from service.settings import ServiceSettings

Apply = Callable[[ChangedImages], None]
"""Serves the changes of a commit."""

_MOST_SUBMITTED = 1000
_RETRY_SECONDS = 1


class AppliedChange(NamedTuple):
    """Durable change, and the first state that contains it."""

    written: Written
    served: ServedRelease


class Writing:
    """Writer of the feature store, whose lock is held until `close`; its jobs.

    Features are written for the encoder of the served release.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        """Take the lock of the store. Raises `Locked` and `HomeError`."""
        self._lock = ExitStack()
        self._lock.enter_context(store_lock(settings.store_uri, SERVICE))
        self._metrics = metrics
        self._writer: Writer | None = None
        self._store = Store(settings.store_uri)
        self._maintenance = Maintenance(self._store, settings.retention)
        self._selections, self._closed = Lock(), False
        self._current: Callable[[], ServedRelease] | None = None
        self._submitted = 0
        self.jobs = Jobs(settings.jobs)
        self.jobs.recover()
        metrics.watch_queue("writes", lambda: self._submitted)
        metrics.watch_queue("jobs", lambda: self.jobs.waiting)

    def use(
        self, served: ServedRelease, apply: Apply, current: Callable[[], ServedRelease]
    ) -> None:
        """Write for a release that is served; `apply` serves each commit, as `current` returns."""
        fingerprint = served.manifest.encoder.fingerprint
        encode = served.model.encoder.encode_files
        if self._writer is not None:
            self._writer.use_encoder(fingerprint, encode)
            # The tables have the files and features of the changes that the release contains.
            self._maintenance.request_clean_up()
            return

        def applied(changes: ChangedImages) -> None:
            self._metrics.observe_commit(len(changes.images))
            apply(changes)

        self._current = current
        self._writer = Writer(
            served.store,
            fingerprint,
            applied,
            encode=encode,
            maintain=self._maintenance.after_commit,
        )

    async def submit(self, change: Change) -> AppliedChange:
        """Write a change. Raises `StoreError`, `QueueFull` and `ReleaseUnavailable`."""
        if self._writer is None or self._current is None:
            raise ReleaseUnavailable("The writer starts with the first release.", _RETRY_SECONDS)
        if self._submitted >= _MOST_SUBMITTED:
            raise QueueFull(_RETRY_SECONDS)
        started = monotonic()
        self._submitted += 1
        try:
            written, served = await wrap_future(_with_state(self._writer, change, self._current))
        finally:
            self._submitted -= 1
        self._metrics.observe_write(written.outcome, monotonic() - started)
        return AppliedChange(written, served)

    def save_selection(
        self,
        name: str,
        ids: Sequence[str] | None,
        conditions: Mapping[str, Any] | None,
        by: str,
        if_match: str | None = None,
    ) -> StoredSelection:
        """Save ids or the conditions of a filter under a name; the result is durable.

        `if_match` is the tag of the selection on which the change is based. Raises `InvalidChange`
        for an unusable name, `SelectionChanged` and `StoreError`.
        """
        name = checked_selection(name)
        with self._selections:
            self._refuse_after_close()
            table, now = self._store.selections, self._store.now()
            known = table.read().get(name)
            selection = StoredSelection(
                name=name,
                ids=None if ids is None else tuple(dict.fromkeys(map(to_nfc, ids))),
                filter=None if conditions is None else {**conditions},
                by=by,
                created=now if known is None else known.created,
                changed=now,
            )
            # The answer to the same change may have been lost.
            if known is None or known.tag != selection.tag:
                _check_tag(name, known, if_match)
            table.put(selection)
        return selection

    def delete_selection(self, name: str, if_match: str | None = None) -> None:
        """Delete a saved selection, if there is one.

        Raises `SelectionChanged` if it does not have the tag `if_match`, and `StoreError`.
        """
        with self._selections:
            self._refuse_after_close()
            table = self._store.selections
            if if_match is not None:
                _check_tag(name, table.read().get(name), if_match)
            table.remove(name)

    def _refuse_after_close(self) -> None:
        if self._closed:
            raise StoreError("The writer is closed; retry when the service runs again.")

    def close(self) -> None:
        """Commit the submitted changes and release the lock."""
        if self._writer is not None:
            self._writer.close()
        self._maintenance.close()
        with self._selections:
            self._closed = True
        self._lock.close()


def _check_tag(name: str, known: StoredSelection | None, if_match: str | None) -> None:
    if if_match is not None and (known is None or known.tag != if_match):
        raise SelectionChanged(name)


def _with_state(
    writer: Writer, change: Change, current: Callable[[], ServedRelease]
) -> "Future[tuple[Written, ServedRelease]]":
    """Submit a change; the future has the state that is served when the change is resolved."""
    both: Future[tuple[Written, ServedRelease]] = Future()
    # A client that has gone cancels its wait, but not the change.
    both.set_running_or_notify_cancel()

    def resolve(done: "Future[Written]") -> None:
        # In the thread of the writer: no later change is applied before this returns.
        error = done.exception()
        if error is None:
            both.set_result((done.result(), current()))
        else:
            both.set_exception(error)

    writer.submit(change).add_done_callback(resolve)
    return both


def prepared(served: ServedRelease, content: bytes) -> PreparedFile:
    """Return an image file as it is stored, with the features of the encoder of a release.

    Metadata that may contain a location are removed. Raises `ImageRejected`.
    """
    return prepare(content, served.model.encoder, served.manifest.encoder.fingerprint)
