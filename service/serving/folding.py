"""Folding of many changes into a new release of the same model, in another process."""

import asyncio
import logging
import os
import subprocess
import sys
from time import monotonic

from embeddings.release.fold import MODULE
from service.json_logging import extra
from service.metrics import Metrics
from service.serving.served_release import ServedRelease
from service.settings import ServiceSettings

_FEWEST = 100
"""Changes below which none are folded for their share: they cost nothing."""

_RETRY_SECONDS = 300.0
"""Seconds until changes are folded again if the release stays the same."""

_log = logging.getLogger(__name__)


class Folding:
    """Publishing of the served model over the newest revision when many images changed.

    The new release is served like every other; changes that come meanwhile are applied to it.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._folded: str | None = None
        """Fingerprint of the release whose changes were folded last."""
        self._again = 0.0
        self._requested = False

    def request(self) -> None:
        """Fold at the next step, however few images changed."""
        self._requested = True

    async def step(self, served: ServedRelease, *, busy: bool) -> None:
        """Fold the changes if there are too many or it was requested, and wait for the end.

        While a job adds images (`busy`), their share of the release is no reason: the fold would
        take processors from the job, and would be due again at its end.
        """
        release = served.manifest.fingerprint
        waits = release == self._folded and monotonic() < self._again
        # The count takes long in a large collection.
        if not self._requested and (
            waits or not await asyncio.to_thread(self._is_due, served, busy)
        ):
            return
        self._requested = False
        started = monotonic()
        _log.info(
            "Folding %d changes into a new release.",
            served.change_count,
            extra=extra(release=release),
        )
        reason = await self._run()
        seconds = monotonic() - started
        self._folded, self._again = release, monotonic() + _RETRY_SECONDS
        self._metrics.observe_fold(seconds, failed=reason is not None)
        if reason is None:
            _log.info("Folded in %.1f s.", seconds, extra=extra(release=release))
        else:
            _log.warning(
                "The changes were not folded (%s); next try in %d s.",
                reason,
                _RETRY_SECONDS,
                extra=extra(release=release),
            )

    def _is_due(self, served: ServedRelease, busy: bool) -> bool:
        share = max(self._settings.fold_share * len(served.release.images), _FEWEST)
        most = self._settings.fold_changes
        return served.change_count >= (most if busy else min(share, most))

    async def _run(self) -> str | None:
        """Run the program; return the reason of a failure."""
        # uvloop forks without exec at once, for which Lance is not safe.
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE],
            env=os.environ | _environment(self._settings),
            stderr=subprocess.PIPE,
        )
        try:
            _, errors = await asyncio.to_thread(process.communicate)
        finally:
            if process.poll() is None:
                process.terminate()
        if not process.returncode:
            return None
        lines = errors.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {process.returncode}"


def _environment(settings: ServiceSettings) -> dict[str, str]:
    """Return the settings of the program, some of which can be options of this process."""
    token = settings.milvus_token
    return {
        "BELVEDERE_HOME": str(settings.home),
        "BELVEDERE_STORE": settings.store_uri,
        "BELVEDERE_RELEASES": settings.releases or "",
        "BELVEDERE_INDEX": settings.index or "",
        "BELVEDERE_MILVUS_URI": settings.milvus_uri or "",
        "BELVEDERE_MILVUS_TOKEN": token.get_secret_value() if token else "",
        "BELVEDERE_MILVUS_CA": str(settings.milvus_ca or ""),
        "OMP_NUM_THREADS": "1",
    }
