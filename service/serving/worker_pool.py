"""Thread pool with a bounded queue; crashed or hung threads are replaced."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from service.serving.errors import QueueFull, QueueTimeout, WorkerFailed

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Observe = Callable[[float], None]

_LEAVING_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    work: Callable[[], Any]
    future: "Future[Any]"
    asked: float


class _Worker:
    """One long-lived thread, so that thread-local objects (inference requests) are created once."""

    def __init__(self, name: str, jobs: "SimpleQueue[_Job | None]", waited: Observe) -> None:
        self._jobs = jobs
        self._waited = waited
        self._job: _Job | None = None
        self._since = 0.0
        self._abandoned = False
        # A hung thread must not prevent the process from ending.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def is_stuck(self, seconds: float) -> bool:
        """Return True if the thread died, or has run one job for more than `seconds`."""
        hangs = self._job is not None and monotonic() - self._since > seconds
        return hangs or not self._thread.is_alive()

    def abandon(self) -> None:
        """Ignore further results of the thread, and fail its current job."""
        self._abandoned = True
        job = self._job
        if job is not None:
            _settle(job.future.set_exception, WorkerFailed())

    def join(self) -> None:
        """Wait until the thread has ended, for a limited time."""
        self._thread.join(_LEAVING_SECONDS)

    def _work(self) -> None:
        while not self._abandoned and self._does_next():
            pass

    def _does_next(self) -> bool:
        """Run the next job; return False if the pool is closed.

        No reference to a job outlives this call, so an idle thread keeps no upload and no release.
        """
        job = self._jobs.get()
        if job is None:
            return False
        self._since, self._job = monotonic(), job
        self._waited(self._since - job.asked)
        if job.future.set_running_or_notify_cancel():
            _do(job)
        self._job = None
        return True


class WorkerPool:
    """Thread pool with a bounded queue; a job beyond it is rejected.

    A job that takes more than `seconds` fails, and its thread is replaced. `waited` is called with
    the time that each job waited, in seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        queue: int,
        retry_after: int,
        seconds: float,
        waited: Observe = lambda _: None,
    ) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._spawn = partial(_Worker, name, self._jobs, waited)
        self._workers = [self._spawn() for _ in range(threads)]
        self._most = threads + queue
        self._taken = 0
        self._lock = threading.Lock()
        self._retry_after = retry_after
        self._seconds = seconds

    @property
    def waiting(self) -> int:
        """Number of jobs that no thread has begun."""
        return self._jobs.qsize()

    @property
    def healthy(self) -> bool:
        """True if no thread has died or hangs."""
        return not any(worker.is_stuck(self._seconds) for worker in self._workers)

    def replace_dead(self) -> None:
        """Replace threads that died or hang."""
        for place, worker in enumerate(self._workers):
            if worker.is_stuck(self._seconds):
                _log.error("a thread died or hung and is replaced")
                worker.abandon()
                self._workers[place] = self._spawn()

    @property
    def full(self) -> bool:
        """True if no further job is accepted."""
        return self._taken >= self._most

    async def run(
        self,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return the result of a function that runs in a thread of the pool.

        Raises `QueueFull` at once if no more jobs may wait, `QueueTimeout` if no thread took the
        job in time, and `WorkerFailed` if its thread died or hung.
        """
        future: Future[Result] = Future()
        with self._lock:
            if self.full:
                raise QueueFull(self._retry_after)
            self._taken += 1
        # A cancelled caller does not stop the thread, so the end of the job frees its place.
        future.add_done_callback(self._leave)
        self._jobs.put(_Job(partial(function, *args, **kwargs), future, monotonic()))
        try:
            async with asyncio.timeout(2 * self._seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise QueueTimeout from error

    def close(self) -> None:
        """Finish running jobs and cancel waiting ones."""
        with suppress(Empty):
            while (job := self._jobs.get_nowait()) is not None:
                job.future.cancel()
        for _ in self._workers:
            self._jobs.put(None)
        for worker in self._workers:
            worker.join()

    def _leave(self, _: "Future[Any]") -> None:
        with self._lock:
            self._taken -= 1


def _do(job: _Job) -> None:
    try:
        result = job.work()
    except Exception as error:
        _settle(job.future.set_exception, error)
    else:
        _settle(job.future.set_result, result)


def _settle(settle: Callable[[Any], None], outcome: object) -> None:
    # The future of an abandoned job has a result already.
    with suppress(InvalidStateError):
        settle(outcome)
