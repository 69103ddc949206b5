import asyncio
import threading

import pytest

from service.errors import ServiceProblem
from service.workers import Workers


def run(scenario, *, threads=1, queue=1):
    """Run a scenario with workers and an event that their work waits for."""

    async def main():
        workers = Workers("test", threads=threads, queue=queue, retry_after=3)
        gate = threading.Event()
        try:
            await scenario(workers, gate)
        finally:
            gate.set()
            workers.close()

    asyncio.run(main())


def test_results_and_errors_come_back():
    async def scenario(workers, gate):
        assert await workers.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await workers.run(divmod, 7, 0)

    run(scenario)


def test_work_never_runs_on_the_event_loop():
    async def scenario(workers, gate):
        assert await workers.run(threading.get_ident) != threading.get_ident()

    run(scenario)


def test_who_finds_the_queue_full_is_turned_away():
    async def scenario(workers, gate):
        waiting = [asyncio.create_task(workers.run(gate.wait)) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(ServiceProblem, match="try again in 3 s") as caught:
            await workers.run(gate.wait)
        assert caught.value.status == 429
        assert caught.value.headers == {"Retry-After": "3"}
        gate.set()
        assert await asyncio.gather(*waiting) == [True] * 5

    run(scenario, threads=2, queue=3)


def test_places_are_free_again_after_results_and_errors():
    async def scenario(workers, gate):
        for _ in range(20):
            await workers.run(int, "1")
            with pytest.raises(ValueError, match="invalid literal"):
                await workers.run(int, "x")

    run(scenario, threads=1, queue=0)


def test_a_caller_who_leaves_keeps_the_place_until_the_thread_is_free():
    async def scenario(workers, gate):
        leaving = asyncio.create_task(workers.run(gate.wait))
        await asyncio.sleep(0.01)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        with pytest.raises(ServiceProblem):
            await workers.run(int)
        gate.set()
        while True:
            try:
                assert await workers.run(int) == 0
                break
            except ServiceProblem:
                await asyncio.sleep(0.001)

    run(scenario, threads=1, queue=0)
