"""Sampling of images for a map, and maps that are fitted on request."""

import asyncio
from collections import OrderedDict

import numpy as np

from embeddings.arrays import Points, Rows
from embeddings.release.reader import Release
from embeddings.tsne import fit_map
from service.serving.worker_pool import WorkerPool

MOST_FITTED = 2000
"""Maximum number of images of a map fitted on request; more would take several seconds."""

MOST_DRAWN = 100_000
"""Maximum number of images of any map; about 20 MB of JSON."""

_Key = tuple[str, int, int]
"""Fingerprint of the release, number of images, seed."""

_KEPT = 16
_FIT_SECONDS = 120.0


def sample_rows(release: Release, n: int, seed: int) -> Rows:
    """Return the rows of `n` images drawn without replacement, or of all if there are fewer.

    A smaller sample with the same seed is the beginning of a larger one.
    """
    order = np.random.default_rng(seed).permutation(len(release.images))
    return order[:n]


class TsneJobs:
    """Queue of maps to fit, one after the other, with a cache; used on one event loop."""

    def __init__(self) -> None:
        self._workers = WorkerPool("fit", threads=1, queue=4, retry_after=5, seconds=_FIT_SECONDS)
        self._fitting: dict[_Key, asyncio.Task[Points]] = {}
        self._kept: OrderedDict[_Key, Points] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Number of maps that wait to be fitted."""
        return self._workers.waiting

    @property
    def healthy(self) -> bool:
        """True if the fitting thread has not died or hung."""
        return self._workers.healthy

    def replace_dead(self) -> None:
        """Replace the fitting thread if it died or hangs."""
        self._workers.replace_dead()

    async def points(self, release: Release, rows: Rows, seed: int) -> Points:
        """Return the map of the embeddings of these rows for a seed, shape (n, 2).

        Concurrent calls for the same map wait for one fit. Raises `QueueFull`.
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
        """Finish a running fit and cancel waiting ones."""
        self._workers.close()


def _fitted(release: Release, rows: Rows, seed: int) -> Points:
    # More threads would wait for each other while requests need the CPUs.
    return fit_map(release.embeddings[rows], seed, threads=1)
