"""A few threads for heavy work, with a bounded queue in front of them."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from service.errors import ServiceProblem

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Workers:
    """Runs functions in its own threads; who comes when the queue is full is turned away.

    The threads stay for the life of the service, so what they keep for themselves (an inference
    request each) is made once.
    """

    def __init__(self, name: str, *, threads: int, queue: int, retry_after: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._places = threading.BoundedSemaphore(threads + queue)
        self._retry_after = retry_after

    async def run(
        self,
        function: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """The function's result, computed off the event loop.

        Raises `ServiceProblem` (429) at once where as many are running and waiting as may.
        """
        if not self._places.acquire(blocking=False):
            raise ServiceProblem(
                429,
                f"The service is busy; try again in {self._retry_after} s.",
                {"Retry-After": str(self._retry_after)},
            )
        future = self._executor.submit(function, *args, **kwargs)
        # A caller that is cancelled does not free the thread, so the work itself frees its place.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what is running and drop what waits."""
        self._executor.shutdown(cancel_futures=True)
