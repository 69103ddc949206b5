"""What lives as long as the service: the opened release, or why there is none, and its threads."""

import asyncio
import logging

from embeddings.release import ReleaseError
from embeddings.store import StoreError
from service.logs import facts
from service.maps import FittedMaps
from service.metrics import Metrics
from service.opened import OpenedRelease, open_current
from service.pointer import Seen, seen
from service.ready import ReadyAnswers
from service.settings import ServiceSettings
from service.workers import Workers

_RETRY_SECONDS = 30.0
"""What a release lacks may lie outside it, in the feature store."""

_log = logging.getLogger(__name__)


class ServiceState:
    """Shared by all requests.

    A request takes `opened` once and answers from that alone, so an answer never mixes releases.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.opened: OpenedRelease | None = None
        self.ready: ReadyAnswers | None = None
        self.reason: str | None = "The release is being opened; try again in a moment."
        """Why the release that the pointer names is not served; None where it is."""
        self.images = Workers(
            "image",
            threads=settings.concurrency,
            queue=settings.queue,
            retry_after=1,
            seconds=settings.work_seconds,
            waited=metrics.waited,
        )
        self.maps = FittedMaps()
        metrics.watch_queue("images", lambda: self.images.waiting)
        metrics.watch_queue("maps", lambda: self.maps.waiting)
        self._tried: Seen | None = None
        self._again = 0.0
        self._following: asyncio.Task[None] | None = None

    @property
    def fingerprint(self) -> str | None:
        """Fingerprint of the opened release; None where there is none."""
        return self.opened.manifest.fingerprint if self.opened else None

    @property
    def healthy(self) -> bool:
        """Whether every thread for heavy work does its work."""
        return self.images.healthy and self.maps.healthy

    async def open(self) -> None:
        """Open the current release, and every later one as soon as it is published."""
        await self._refresh()
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Let running work finish and end the threads."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        self.images.close()
        self.maps.close()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll)
            self.images.mend()
            self.maps.mend()
            await self._refresh()

    async def _refresh(self) -> None:
        """Serve what the pointer names, unless it has just been tried.

        The release is tried here with a real inference, so asking for readiness costs nothing. One
        that cannot be served leaves the one before it in place.
        """
        found = await asyncio.to_thread(seen, self.settings.releases)
        now = asyncio.get_running_loop().time()
        if found == self._tried and (self.reason is None or now < self._again):
            return
        try:
            opened = await asyncio.to_thread(open_current, self.settings, self.metrics)
        except (ReleaseError, StoreError) as error:
            if str(error) != self.reason:
                _log.warning("Not served: %s", error, extra=facts(release=self.fingerprint))
            self.reason = str(error)
            self._again = now + _RETRY_SECONDS
        else:
            self._serve(opened)
        self._tried = found

    def _serve(self, opened: OpenedRelease) -> None:
        self.opened, self.ready, self.reason = opened, ReadyAnswers(opened), None
        manifest = opened.manifest
        self.metrics.show_release(manifest)
        _log.info(
            "Serving release %s: %d photographs of %s, network %s.",
            manifest.fingerprint,
            manifest.data.photographs,
            manifest.data.name,
            manifest.encoder.experiment,
            extra=facts(release=manifest.fingerprint),
        )
