"""What lives as long as the service: the opened release, or why there is none, and its threads."""

import logging

from embeddings.release import ReleaseError
from embeddings.store import StoreError
from service.maps import FittedMaps
from service.metrics import Metrics
from service.opened import OpenedRelease, open_current
from service.settings import ServiceSettings
from service.workers import Workers

_log = logging.getLogger(__name__)


class ServiceState:
    """Shared by all requests.

    A request takes `opened` once and answers from that alone, so an answer never mixes releases.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.opened: OpenedRelease | None = None
        self.reason = "The release is being opened; try again in a moment."
        self.images = Workers(
            "image", threads=settings.concurrency, queue=settings.queue, retry_after=1
        )
        self.maps = FittedMaps()

    @property
    def fingerprint(self) -> str | None:
        """Fingerprint of the opened release; None where there is none."""
        return self.opened.manifest.fingerprint if self.opened else None

    async def open(self) -> None:
        """Open the current release; where that fails, keep the reason for who asks.

        The release is tried here with a real inference, so asking for readiness costs nothing.
        """
        try:
            self.opened = await self.images.run(open_current, self.settings)
        except (ReleaseError, StoreError) as error:
            self.reason = str(error)
            _log.warning("Not ready: %s", self.reason)
            return
        manifest = self.opened.manifest
        self.metrics.show_release(manifest)
        _log.info(
            "Serving release %s: %d photographs of %s, network %s.",
            manifest.fingerprint,
            manifest.data.photographs,
            manifest.data.name,
            manifest.encoder.experiment,
        )

    def close(self) -> None:
        """Let running work finish and end the threads."""
        self.images.close()
        self.maps.close()
