"""State of the service: the served state, polling for releases and changes, thread pools."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic

from embeddings.cpu import usable_processors
from embeddings.errors import BelvedereError
from embeddings.objects import ObjectStorageError
from embeddings.release.reader import ReleaseError, current_release
from embeddings.release.sharing import SharedReleases
from embeddings.store.changed_images import ChangedImages
from embeddings.store.tables import StoreError
from service.json_logging import extra
from service.keys import KeyRing
from service.metrics import Metrics
from service.serving.admission import UploadAdmission
from service.serving.disk_use import measure_disk_use
from service.serving.errors import ReleaseUnavailable, RevisionNotReached
from service.serving.exporting import ExportSlots
from service.serving.folding import Folding
from service.serving.jobs import Jobs
from service.serving.served_release import ServedRelease, load_current_release
from service.serving.tsne_jobs import TsneJobs
from service.serving.worker_pool import WorkerPool
from service.serving.writing import Writing
from service.settings import ServiceSettings

_RETRY_SECONDS = 30.0
"""Seconds until a rejected release is tried again; the feature store may have been repaired."""

_MEASURE_SECONDS = 60.0
"""Seconds between two measurements of the disk use."""

_OPENING = "The release is being opened; try again in a moment."
_OPENING_SECONDS = 1
_QUERIES_WAITING = 256

_SHORTEST_PAUSE = 0.02
"""Seconds between two polls of the store for requests that wait for a revision."""

_REVISION_SECONDS = 2.0
"""Seconds that a request waits for the revision that it needs."""

After = Callable[[], None]
"""Callback, called in a thread after each release that is served."""

Seen = tuple[str, tuple[tuple[str, int, int], ...]]
"""Folder of the current release; name, size and modification time of each of its files."""

_log = logging.getLogger(__name__)


class ServiceState:
    """State shared by all requests.

    A request reads `served` once and uses only that, so an answer never mixes releases or
    revisions.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        metrics: Metrics,
        keys: KeyRing,
        writing: Writing | None = None,
        after: After = lambda: None,
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self.keys = keys
        self.writing = writing
        """Writer of the store; None if the service is read-only."""
        self.jobs = Jobs(settings.jobs) if writing is None else writing.jobs
        self.folding = None if writing is None else Folding(settings, metrics)
        self.served: ServedRelease | None = None
        self.reason: str | None = _OPENING
        """Reason for which the current release is not served; None if it is."""
        self.outdated: str | None = None
        """Reason for which changes of the store are not served; None if they are."""
        self.not_fetched: str | None = None
        """Reason for which releases are not fetched from object storage; None if they are."""
        self.shared = SharedReleases.of(settings)
        """Releases in object storage; None if they are in a folder alone."""
        self.images = WorkerPool(
            "image",
            threads=settings.concurrency,
            queue=settings.queue,
            retry_after=1,
            seconds=settings.work_seconds,
            waited=partial(metrics.observe_stage, "wait"),
        )
        self.uploads = UploadAdmission(
            settings.concurrency + settings.queue, settings.upload_memory
        )
        self.queries = WorkerPool(
            "query",
            threads=usable_processors() + 1,
            queue=_QUERIES_WAITING,
            retry_after=1,
            seconds=settings.work_seconds,
        )
        """Thread pool of searches and long answers about stored images."""
        self.exports = ExportSlots()
        self.maps = TsneJobs()
        metrics.watch_queue("images", lambda: self.images.waiting)
        metrics.watch_queue("queries", lambda: self.queries.waiting)
        metrics.watch_queue("maps", lambda: self.maps.waiting)
        metrics.watch_state(
            revision=lambda: self.served.revision if self.served else 0,
            images=lambda: self.served.count if self.served else 0,
            changes=lambda: self.served.change_count if self.served else 0,
            poll=lambda: monotonic() - self._polled,
        )
        self._tried: Seen | None = None
        self._again = 0.0
        self._after = after
        self._polled = monotonic()
        self._changing = Lock()
        """Lock of every change of `served`."""
        self._advanced = asyncio.Event()
        """Event that is set, and replaced by another, when `served` changes."""
        self._wanted = asyncio.Event()
        """Event that is set when a request waits for a revision of the store."""
        self._events: asyncio.AbstractEventLoop | None = None
        self._loops: tuple[asyncio.Task[None], ...] = ()

    @property
    def fingerprint(self) -> str | None:
        """Fingerprint of the served release; None if there is none."""
        return self.served.manifest.fingerprint if self.served else None

    @property
    def opening(self) -> bool:
        """True until the first attempt to open a release has ended."""
        return self.reason == _OPENING

    @property
    def trouble(self) -> str | None:
        """Message about the fault that prevents the service from working; None if there is none."""
        if any(loop.done() for loop in self._loops):
            return "The loop that polls releases and threads has ended; restart the service."
        if not (self.images.healthy and self.queries.healthy and self.maps.healthy):
            return "A thread was lost and is being replaced; try again in a moment."
        return None

    def current_release(self) -> ServedRelease:
        """Return the served release. Raises `ReleaseUnavailable`."""
        if self.served is None:
            raise self._unavailable()
        return self.served

    async def release_at(self, revision: int) -> ServedRelease:
        """Return the served state once it contains a revision of the store.

        Raises `ReleaseUnavailable`, and `RevisionNotReached` after two seconds.
        """
        if (served := self.current_release()).revision >= revision:
            return served
        self._wanted.set()
        try:
            async with asyncio.timeout(_REVISION_SECONDS):
                while (served := self.current_release()).revision < revision:
                    await self._advanced.wait()
        except TimeoutError:
            raise RevisionNotReached(revision, self.current_release().revision) from None
        return served

    def apply(self, changes: ChangedImages) -> None:
        """Serve a commit of this process to the store; called from any thread.

        The changes are visible when the call returns. Raises `StoreError`.
        """
        with self._changing:
            served = self.served
            if served is None or changes.revision <= served.revision:
                return
            is_next = changes.revision == served.revision + 1
            is_same = changes.encoder == served.manifest.encoder.fingerprint
            # Otherwise, the state lacks an earlier commit or these features.
            self._assign(served.with_changes(changes if is_next and is_same else served.changes()))

    def _unavailable(self) -> ReleaseUnavailable:
        soon = _OPENING_SECONDS if self.opening else None
        reason = self.not_fetched or self.reason or "No release is served."
        return ReleaseUnavailable(reason, soon)

    def open(self) -> None:
        """Start the loops that open releases, follow the store, and watch threads and disk use.

        They are independent, since opening a release takes seconds.
        """
        self._events = asyncio.get_running_loop()
        self._loops = (
            asyncio.create_task(self._repeat(self._refresh, self.settings.poll)),
            asyncio.create_task(self._repeat(self._follow, self.settings.poll, self._wanted)),
            asyncio.create_task(self._repeat(self._mend, self.settings.poll)),
            asyncio.create_task(self._repeat(self._measure, _MEASURE_SECONDS)),
            asyncio.create_task(self._repeat(self._fold, self.settings.poll)),
        )

    async def close(self) -> None:
        """Finish running jobs and end the threads."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        if self.writing is not None:
            await self.writing.jobs.close()
            await asyncio.to_thread(self.writing.close)
        self.images.close()
        self.queries.close()
        self.maps.close()

    async def _repeat(
        self, step: Callable[[], Awaitable[None]], pause: float, wanted: asyncio.Event | None = None
    ) -> None:
        """Repeat a step forever; an error in it is logged and does not end the loop.

        The event `wanted` ends a pause, which is never shorter than that of a burst of requests.
        """
        while True:
            if wanted is not None:
                wanted.clear()
            try:
                await step()
            except Exception:
                _log.exception("polling of releases and threads failed")
            if wanted is None:
                await asyncio.sleep(pause)
                continue
            await asyncio.sleep(min(pause, _SHORTEST_PAUSE))
            with suppress(TimeoutError):
                await asyncio.wait_for(wanted.wait(), max(pause - _SHORTEST_PAUSE, 0))

    async def _measure(self) -> None:
        self.metrics.show_disk_use(await asyncio.to_thread(measure_disk_use, self.settings))

    async def _fold(self) -> None:
        if self.folding is not None and self.served is not None:
            await self.folding.step(self.served, busy=self.jobs.running)

    async def _mend(self) -> None:
        self.images.replace_dead()
        self.queries.replace_dead()
        self.maps.replace_dead()

    async def _refresh(self) -> None:
        """Serve the current release, unless it was tried just before.

        The release is tested here with a real inference, so readiness checks cost nothing. If it
        is rejected, the previous one stays in service.
        """
        now = asyncio.get_running_loop().time()
        is_due = now >= self._again
        if self.shared is not None:
            await asyncio.to_thread(self._fetch, self.shared, is_due)
        found = await asyncio.to_thread(seen, self.settings.releases_folder)
        if found == self._tried and (self.reason is None or not is_due):
            return
        try:
            await asyncio.to_thread(self._open_release)
        except (ReleaseError, StoreError) as error:
            if str(error) != self.reason:
                _log.warning("release rejected: %s", error, extra=extra(release=self.fingerprint))
            self.reason = str(error)
            self._again = now + _RETRY_SECONDS
            self._tried = found
            return
        self._tried = found
        await asyncio.to_thread(self._after)

    def _fetch(self, shared: SharedReleases, is_due: bool) -> None:
        """Fetch the current release from object storage; without it, the last state is served."""
        # A rejected release is fetched again if its copy is damaged.
        verify = is_due and self.reason is not None and not self.opening
        try:
            if shared.pull(verify=verify) and self.served is not None:
                shared.drop_discarded(self.settings.home)
        except (ObjectStorageError, ReleaseError) as error:
            if str(error) != self.not_fetched:
                _log.warning(
                    "release not fetched: %s", error, extra=extra(release=self.fingerprint)
                )
            self.not_fetched = str(error)
            return
        self.not_fetched = None

    def _open_release(self) -> None:
        """Open the current release and serve it. Raises `ReleaseError` and `StoreError`."""
        served = load_current_release(self.settings)
        with self._changing:
            # A commit of this process waits for the lock, so that the new state has each one that
            # the previous state had.
            served = served.with_changes(served.changes())
            if self.writing is not None:
                self.writing.use(served, self.apply, self.current_release)
            self._assign(served)
        self.reason = self.outdated = None
        manifest = served.manifest
        self.metrics.show_release(manifest)
        _log.info(
            "Serving release %s at revision %d: %d images of %s, model %s.",
            manifest.fingerprint,
            served.revision,
            served.count,
            manifest.data.name,
            manifest.encoder.experiment,
            extra=extra(release=manifest.fingerprint),
        )

    async def _follow(self) -> None:
        """Serve the changes of the store; while it is unreadable, the last state is served."""
        try:
            await asyncio.to_thread(self._catch_up)
        except BelvedereError as error:
            if str(error) != self.outdated:
                _log.warning("changes not read: %s", error, extra=extra(release=self.fingerprint))
            self.outdated = str(error)
            return
        self.outdated = None
        self._polled = monotonic()

    def _catch_up(self) -> None:
        served = self.served
        changes = served.changes() if served else None
        if served is None or changes is None:
            return
        if changes.revision < served.revision:
            # The store was replaced by another: the release is verified against it.
            self._tried = None
            return
        with self._changing:
            # A state that is served by now has more changes; the next poll compares with it.
            if self.served is served:
                self._assign(served.with_changes(changes))

    def _assign(self, served: ServedRelease) -> None:
        """Serve a state; the caller holds the lock."""
        self.served = served
        if self._events is not None:
            self._events.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        """Wake the requests that wait for a revision."""
        advanced, self._advanced = self._advanced, asyncio.Event()
        advanced.set()


def seen(releases: Path) -> Seen | None:
    """Return a signature of the current release; None if there is none.

    The signature of a release changes if it is damaged, repaired or copied completely, although
    its name stays the same.
    """
    try:
        folder = current_release(releases)
        files = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except (ReleaseError, OSError):
        return None
    return str(folder), tuple((name, it.st_size, it.st_mtime_ns) for name, it in files)
