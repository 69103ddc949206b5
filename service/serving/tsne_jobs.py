"""Which photographs a map shows, and the maps that are fitted on request."""

import asyncio
from collections import OrderedDict

import numpy as np

from embeddings.arrays import Points, Rows
from embeddings.release.reader import Release
from embeddings.tsne import fit_map
from service.serving.worker_pool import WorkerPool

MOST_FITTED = 2000
"""Photographs that a map fitted on request may have; fitting takes seconds beyond."""

MOST_DRAWN = 100_000
"""Photographs that any map may show; about 20 MB of JSON."""

_Key = tuple[str, int, int]
"""Fingerprint of the release, number of photographs, seed."""

_KEPT = 16
_FIT_SECONDS = 120.0


def sample_rows(release: Release, n: int, seed: int) -> Rows:
    """Rows of `n` photographs drawn without replacement, or of all where there are fewer.

    A smaller draw with the same seed is the beginning of a larger one.
    """
    order = np.random.default_rng(seed).permutation(len(release.images))
    return order[:n]


class TsneJobs:
    """Fits maps one after the other and keeps the last ones; used on one event loop."""

    def __init__(self) -> None:
        self._workers = WorkerPool("fit", threads=1, queue=4, retry_after=5, seconds=_FIT_SECONDS)
        self._fitting: dict[_Key, asyncio.Task[Points]] = {}
        self._kept: OrderedDict[_Key, Points] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Maps that wait to be fitted."""
        return self._workers.waiting

    @property
    def healthy(self) -> bool:
        """Whether the thread that fits does its work."""
        return self._workers.healthy

    def replace_dead(self) -> None:
        """Replace the thread that fits where it was lost."""
        self._workers.replace_dead()

    async def points(self, release: Release, rows: Rows, seed: int) -> Points:
        """Shape (n, 2): the map of these rows' embeddings, as drawn with this seed.

        Who asks for a map that is being fitted waits for that one. Raises `QueueFull`.
        """
        key = (release.manifest.fingerprint, len(rows), seed)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._fitting:
            self._fitting[key] = asyncio.create_task(self._fit(key, release, rows))
        return await asyncio.shield(self._fitting[key])

    async def _fit(self, key: _Key, release: Release, rows: Rows) -> Points:
        *_, seed = key
        try:
            points = await self._workers.run(_fitted, release, rows, seed)
        finally:
            del self._fitting[key]
        self._kept[key] = points
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return points

    def close(self) -> None:
        """Let a running fit finish and drop those that wait."""
        self._workers.close()


def _fitted(release: Release, rows: Rows, seed: int) -> Points:
    # On one thread: others would wait for each other while requests need the processors.
    return fit_map(release.embeddings[rows], seed, threads=1)
