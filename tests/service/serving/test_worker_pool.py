import asyncio
import ctypes
import threading
import time

import pytest

from service.serving.errors import QueueFull, QueueTimeout, WorkerFailed
from service.serving.worker_pool import WorkerPool


def run(scenario, *, threads=1, queue=1, seconds=30):
    """Run a scenario with a pool and an event that blocks its jobs."""

    async def main():
        workers = WorkerPool("test", threads=threads, queue=queue, retry_after=3, seconds=seconds)
        gate = threading.Event()
        try:
            await scenario(workers, gate)
        finally:
            gate.set()
            workers.close()

    asyncio.run(main())


def test_results_and_errors_are_returned():
    async def scenario(workers, gate):
        assert await workers.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await workers.run(divmod, 7, 0)

    run(scenario)


def test_work_never_runs_on_the_event_loop():
    async def scenario(workers, gate):
        assert await workers.run(threading.get_ident) != threading.get_ident()

    run(scenario)


def test_a_job_beyond_the_queue_is_rejected():
    async def scenario(workers, gate):
        waiting = [asyncio.create_task(workers.run(gate.wait)) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match="try again in 3 s") as caught:
            await workers.run(gate.wait)
        assert caught.value.retry_after == 3
        gate.set()
        assert await asyncio.gather(*waiting) == [True] * 5

    run(scenario, threads=2, queue=3)


def test_results_and_errors_free_their_places():
    async def scenario(workers, gate):
        for _ in range(20):
            await workers.run(int, "1")
            with pytest.raises(ValueError, match="invalid literal"):
                await workers.run(int, "x")

    run(scenario, threads=1, queue=0)


def test_a_cancelled_job_keeps_its_place_until_its_thread_is_free():
    async def scenario(workers, gate):
        begun = threading.Event()

        def work():
            begun.set()
            gate.wait()

        leaving = asyncio.create_task(workers.run(work))
        await until(begun.is_set)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        with pytest.raises(QueueFull):
            await workers.run(int)
        gate.set()
        while True:
            try:
                assert await workers.run(int) == 0
                break
            except QueueFull:
                await asyncio.sleep(0.001)

    run(scenario, threads=1, queue=0)


async def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def die():
    """Run until this thread ends with an exception that no handler catches."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(threading.get_ident()), ctypes.py_object(SystemExit)
    )
    while True:
        time.sleep(0.001)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_thread_is_replaced_and_its_caller_gets_an_error():
    async def scenario(workers, gate):
        lost = asyncio.create_task(workers.run(die))
        await until(lambda: not workers.healthy)
        waiting = asyncio.create_task(workers.run(int, "7"))
        workers.replace_dead()
        assert workers.healthy
        with pytest.raises(WorkerFailed, match="Retry the request") as caught:
            await lost
        assert caught.value.retry_after == 1
        assert await waiting == 7

    run(scenario)


def test_a_hung_thread_is_replaced_and_runs_no_more_jobs():
    async def scenario(workers, gate):
        hanging = asyncio.create_task(workers.run(gate.wait))
        await until(lambda: not workers.healthy)
        workers.replace_dead()
        with pytest.raises(WorkerFailed, match="Retry the request"):
            await hanging
        assert workers.healthy
        successor = await workers.run(threading.get_ident)
        gate.set()
        assert {await workers.run(threading.get_ident) for _ in range(20)} == {successor}

    # The caller waits for twice as long, which gives a busy machine time to replace the thread.
    run(scenario, seconds=3)


def test_a_job_that_waits_too_long_raises_queue_timeout():
    async def scenario(workers, gate):
        first = asyncio.create_task(workers.run(gate.wait))
        await asyncio.sleep(0)
        with pytest.raises(QueueTimeout, match="try again later"):
            await workers.run(int)
        gate.set()
        with pytest.raises(QueueTimeout):
            await first

    run(scenario, seconds=0.1)


def test_waiting_jobs_are_counted_and_timed():
    waits: list[float] = []
    held: list[float] = []

    async def main():
        gate = threading.Event()
        workers = WorkerPool(
            "test", threads=1, queue=5, retry_after=1, seconds=9, waited=waits.append
        )
        jobs = [asyncio.create_task(workers.run(gate.wait)) for _ in range(3)]
        await until(lambda: workers.waiting == 2)
        begun = time.monotonic()
        await asyncio.sleep(0)
        held.append(time.monotonic() - begun)
        gate.set()
        await asyncio.gather(*jobs)
        assert workers.waiting == 0
        workers.close()

    asyncio.run(main())
    assert waits[0] < waits[2]
    assert waits[2] >= held[0]
