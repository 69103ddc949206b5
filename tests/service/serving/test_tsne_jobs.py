import asyncio
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from embeddings.index.flat import FlatIndex
from embeddings.live_state import LiveState
from embeddings.release.reader import current_release, open_release
from embeddings.tsne import fit_map
from service.serving.errors import QueueFull
from service.serving.tsne_jobs import TsneJobs, sample_rows


@pytest.fixture(scope="module")
def live(home: Path) -> LiveState:
    release = open_release(current_release(home / "releases"))
    return LiveState.of(release, FlatIndex(release.embeddings))


def test_samples_are_without_replacement_and_extend_smaller_ones(live):
    count = len(live.release.images)
    everything = sample_rows(live, count + 5, seed=3)
    assert sorted(everything) == list(range(count))
    assert sample_rows(live, 9, seed=3).tolist() == everything[:9].tolist()
    assert sample_rows(live, 9, seed=4).tolist() != everything[:9].tolist()


def test_a_map_is_fitted_once_for_concurrent_requests(live):
    async def main():
        maps = TsneJobs()
        rows = sample_rows(live, 12, seed=1)
        try:
            found = await asyncio.gather(*(maps.points(live, rows, 1) for _ in range(20)))
            again = await maps.points(live, rows, 1)
        finally:
            maps.close()
        assert all(points is again for points in found)
        return again

    points = asyncio.run(main())
    rows = sample_rows(live, 12, seed=1)
    assert np.array_equal(points, fit_map(live.index.embeddings[rows], 1, threads=1))


def test_a_cancelled_request_does_not_cancel_the_fit_for_others(live):
    async def main():
        maps = TsneJobs()
        rows = sample_rows(live, 20, seed=2)
        try:
            leaving = asyncio.create_task(maps.points(live, rows, 2))
            staying = asyncio.create_task(maps.points(live, rows, 2))
            await asyncio.sleep(0)
            leaving.cancel()
            assert (await staying).shape == (20, 2)
        finally:
            maps.close()

    asyncio.run(main())


def test_only_recent_maps_are_cached(live):
    async def main():
        maps = TsneJobs()
        rows = sample_rows(live, 3, seed=0)
        try:
            first = await maps.points(live, rows, 0)
            kept = await maps.points(live, rows, 0)
            for seed in range(1, 40):
                await maps.points(live, rows, seed)
            fitted_again = await maps.points(live, rows, 0)
        finally:
            maps.close()
        assert kept is first
        assert fitted_again is not first

    asyncio.run(main())


def test_an_error_of_a_fit_is_raised_only_for_its_waiters(live):
    async def main():
        maps = TsneJobs()
        rows = {seed: sample_rows(live, 30, seed) for seed in range(8)}

        async def fitted(seed):
            try:
                return await maps.points(live, rows[seed], seed)
            except QueueFull:
                # Each waiter retries immediately after the error: all must get the same fit.
                while True:
                    with suppress(QueueFull):
                        return await maps.points(live, rows[seed], seed)
                    await asyncio.sleep(0)

        try:
            found = await asyncio.gather(*(fitted(seed) for seed in (*rows, *rows)))
        finally:
            maps.close()
        for first, second in zip(found[: len(rows)], found[len(rows) :], strict=True):
            assert first is second

    asyncio.run(main())
