"""Sampling of images for a map, and maps that are fitted on request."""

import asyncio
from collections import OrderedDict
from hashlib import sha256

import numpy as np

from embeddings.arrays import Mask, Points, Rows
from embeddings.live_state import LiveState
from embeddings.tsne import fit_map
from service.serving.worker_pool import WorkerPool

MOST_FITTED = 2000
"""Maximum number of images of a map fitted on request; more would take several seconds."""

MOST_DRAWN = 100_000
"""Maximum number of images of any map; about 20 MB of JSON."""

_Key = tuple[str, int, bytes, int]
"""Fingerprint of the release, revision, digest of the rows, seed."""

_KEPT = 16
_FIT_SECONDS = 120.0


def sample_rows(live: LiveState, n: int, seed: int, among: Mask | None = None) -> Rows:
    """Return the rows of `n` images without repetition, or of all if there are fewer.

    `among`, a mask of shape (rows,), selects the images; by default all are drawn from.

    The images that the release does not contain come first, ordered by id, so that a new image is
    on each map; those of the release are drawn. A smaller sample with the same seed is the
    beginning of a larger one, and a deletion changes the order of no other image.
    """
    count = len(live.release.images)
    in_order = live.ids_in_order()
    drawn = np.random.default_rng(seed).permutation(count)
    order = np.concatenate([in_order[in_order >= count], drawn[live.live[drawn]]])
    return order[:n] if among is None else order[among[order]][:n]


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

    async def points(self, live: LiveState, rows: Rows, seed: int) -> Points:
        """Return the map of the embeddings of these rows for a seed, shape (n, 2).

        Concurrent calls for the same map wait for one fit. Raises `QueueFull`.
        """
        key = (
            live.release.manifest.fingerprint,
            live.revision,
            sha256(rows.tobytes()).digest(),
            seed,
        )
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._fitting:
            self._fitting[key] = asyncio.create_task(self._fit(key, live, rows))
        return await asyncio.shield(self._fitting[key])

    async def _fit(self, key: _Key, live: LiveState, rows: Rows) -> Points:
        *_, seed = key
        try:
            points = await self._workers.run(_fitted, live, rows, seed)
        finally:
            del self._fitting[key]
        self._kept[key] = points
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return points

    def close(self) -> None:
        """Finish a running fit and cancel waiting ones."""
        self._workers.close()


def _fitted(live: LiveState, rows: Rows, seed: int) -> Points:
    # More threads would wait for each other while requests need the CPUs.
    return fit_map(live.index.embeddings[rows], seed, threads=1)
