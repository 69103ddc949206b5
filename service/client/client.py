"""Typed clients of the service: responses as objects, problems as exceptions."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from re import fullmatch
from types import TracebackType
from typing import Any, BinaryIO, Concatenate, ParamSpec, Self, TypeVar

import httpx

from embeddings.atomic import atomic_file
from service.client import endpoints, flows
from service.client.endpoints import Call
from service.client.errors import Outcome, ServiceError, result_of
from service.client.flows import Flow
from service.client.retry import RetryPolicy
from service.schemas import API_KEY_HEADER

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Method = TypeVar("Method", bound=Callable[..., object])

_BASE_URL = "http://127.0.0.1:8000"
_KEY = "[!-~]([ -~]*[!-~])?"
"""Valid header values: printable ASCII, without spaces at either end."""

_TIMEOUT_SECONDS = 60.0
"""Long enough for a map, whose fitting takes seconds."""
_CONNECT_SECONDS = 5.0
_RETRIES = 4
_RETRY_SECONDS = 20.0


def _run(
    flow: Callable[Arguments, Flow[Result]],
) -> Callable[Concatenate["Client", Arguments], Result]:
    @wraps(flow)
    def method(client: "Client", /, *args: Arguments.args, **named: Arguments.kwargs) -> Result:
        return client.run(flow(*args, **named))

    return _with_signature_of(flow, method)


def _run_async(
    flow: Callable[Arguments, Flow[Result]],
) -> Callable[Concatenate["AsyncClient", Arguments], Coroutine[Any, Any, Result]]:
    @wraps(flow)
    async def method(
        client: "AsyncClient", /, *args: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        return await client.run(flow(*args, **named))

    return _with_signature_of(flow, method)


def _sent(
    call: Callable[Arguments, Call[Result]],
) -> Callable[Concatenate["Client", Arguments], Result]:
    return _run(flows.alone(call))


def _sent_async(
    call: Callable[Arguments, Call[Result]],
) -> Callable[Concatenate["AsyncClient", Arguments], Coroutine[Any, Any, Result]]:
    return _run_async(flows.alone(call))


def _with_signature_of(call: Callable[..., object], method: Method) -> Method:
    """Return the method with the parameters of the call after `self`, as `help` shows them."""
    parameters = signature(call).parameters.values()
    own = Parameter("self", Parameter.POSITIONAL_ONLY)
    method.__signature__ = Signature([own, *parameters])  # type: ignore[attr-defined]
    return method


def _address(base_url: str) -> httpx.URL:
    # Raised outside of the handler: httpx quotes the address, which can contain a password.
    with suppress(httpx.InvalidURL):
        return httpx.URL(base_url)
    raise ServiceError(f"The base URL of the service is invalid; give one such as {_BASE_URL}.")


def _headers(api_key: str | None) -> dict[str, str]:
    if api_key is None:
        return {}
    if not fullmatch(_KEY, api_key):
        raise ServiceError(
            "The API key cannot be sent in a header; use printable ASCII characters, without "
            "spaces or line ends around them. The key is not shown here."
        )
    return {API_KEY_HEADER: api_key}


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


def _request(call: Call[Any]) -> dict[str, Any]:
    """Return the arguments of `httpx.Client.stream` for a call."""
    return {
        "method": call.method,
        "url": call.path,
        "params": call.parameters,
        "content": call.body,
        "headers": call.headers,
    }


@contextmanager
def _written(target: Path) -> Iterator[BinaryIO]:
    """Yield a file that replaces the target when the block ends."""
    with atomic_file(target) as draft, draft.open("wb") as file:
        yield file


class Client:
    """Client of the service at `base_url`; every method raises `ServiceError` for an error.

    The base URL may have a path, as behind a reverse proxy (`https://host/gallery`). A key that
    cannot be sent in a header raises `ServiceError` at once; messages contain neither the key nor a
    password of the base URL.

    An image is given either as `id` (stored) or as `image` (the bytes of a file). `timeout` limits
    the seconds until a response. A call that is rejected (429, 503) or cut off is repeated, at most
    `retries` times and with pauses of at most `patience` seconds in total. Changes are repeated,
    too: the second of two equal changes has no effect. If the answer to a change was lost, that to
    its repetition can therefore be `unchanged`.
    """

    def __init__(
        self,
        base_url: str = _BASE_URL,
        *,
        api_key: str | None = None,
        timeout: float = _TIMEOUT_SECONDS,
        retries: int = _RETRIES,
        patience: float = _RETRY_SECONDS,
    ) -> None:
        # Proxies of the environment are meant for other hosts.
        self._http = httpx.Client(
            base_url=_address(base_url),
            headers=_headers(api_key),
            timeout=_timeout(timeout),
            trust_env=False,
        )
        self._retries = retries
        self._patience = patience

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[Result]) -> Result:
        """Send a call and return its result. Raises `ServiceError`."""
        policy = RetryPolicy(self._retries if call.repeated else 0, self._patience)
        while True:
            outcome = self._attempt(call)
            pause = policy.pause_after(outcome)
            if pause is None:
                return result_of(call, outcome, self._http.base_url)
            time.sleep(pause)

    def run(self, flow: Flow[Result]) -> Result:
        """Carry out a sequence of calls and return its result. Raises `ServiceError`."""
        advance: Callable[[], Call[Any] | float] = partial(next, flow)
        while True:
            try:
                step = advance()
            except StopIteration as end:
                result: Result = end.value
                return result
            try:
                if isinstance(step, Call):
                    advance = partial(flow.send, self.send(step))
                else:
                    time.sleep(step)
                    advance = partial(next, flow)
            except ServiceError as error:
                advance = partial(flow.throw, error)

    def _attempt(self, call: Call[Any]) -> Outcome:
        try:
            with self._http.stream(**_request(call)) as response:
                if call.target is None or not response.is_success:
                    response.read()
                else:
                    with _written(call.target) as file:
                        for part in response.iter_bytes():
                            file.write(part)
                return response
        except httpx.RequestError as error:
            return error

    ready = _sent(endpoints.ready)
    predict = _sent(endpoints.predict)
    neighbors = _sent(endpoints.neighbors)
    search = _sent(endpoints.search)
    tsne = _sent(endpoints.tsne)
    place = _sent(endpoints.place)
    images = _sent(endpoints.images)
    random_image = _sent(endpoints.random_image)
    facets = _sent(endpoints.facets)
    ids = _sent(endpoints.ids)
    selections = _sent(endpoints.selections)
    selection = _sent(endpoints.selection)
    save_selection = _sent(endpoints.save_selection)
    delete_selection = _sent(endpoints.delete_selection)
    image = _sent(endpoints.image)
    thumbnail = _sent(endpoints.thumbnail)
    features = _sent(endpoints.features)
    export = _sent(endpoints.export)
    versions = _sent(endpoints.versions)
    diff = _sent(endpoints.diff)
    experiments = _sent(endpoints.experiments)
    experiment = _sent(endpoints.experiment)
    errors = _sent(endpoints.errors)
    heatmap = _sent(endpoints.heatmap)
    label_issues = _sent(endpoints.label_issues)
    queue = _sent(endpoints.queue)
    duplicates = _sent(endpoints.duplicates)
    label_loop = _sent(endpoints.label_loop)
    neighbor_stages = _sent(endpoints.neighbor_stages)
    robustness = _sent(endpoints.robustness)
    calibration = _sent(endpoints.calibration)
    add = _sent(endpoints.add)
    relabel = _sent(endpoints.relabel)
    edit = _sent(endpoints.edit)
    undo = _sent(endpoints.undo)
    distinct = _sent(endpoints.distinct)
    restore = _sent(endpoints.restore)
    changes = _sent(endpoints.changes)
    history = _sent(endpoints.history)
    job = _sent(endpoints.job)
    jobs = _sent(endpoints.jobs)
    cancel = _sent(endpoints.cancel)
    add_many = _run(flows.add_many)
    delete = _run(flows.delete)
    wait_for = _run(flows.wait_for)


class AsyncClient:
    """Asynchronous `Client`, for `async with` and `await`; calls may run concurrently."""

    def __init__(
        self,
        base_url: str = _BASE_URL,
        *,
        api_key: str | None = None,
        timeout: float = _TIMEOUT_SECONDS,
        retries: int = _RETRIES,
        patience: float = _RETRY_SECONDS,
    ) -> None:
        # Proxies of the environment are meant for other hosts.
        self._http = httpx.AsyncClient(
            base_url=_address(base_url),
            headers=_headers(api_key),
            timeout=_timeout(timeout),
            trust_env=False,
        )
        self._retries = retries
        self._patience = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[Result]) -> Result:
        """Send a call and return its result. Raises `ServiceError`."""
        policy = RetryPolicy(self._retries if call.repeated else 0, self._patience)
        while True:
            outcome = await self._attempt(call)
            pause = policy.pause_after(outcome)
            if pause is None:
                return result_of(call, outcome, self._http.base_url)
            await asyncio.sleep(pause)

    async def run(self, flow: Flow[Result]) -> Result:
        """Carry out a sequence of calls and return its result. Raises `ServiceError`."""
        advance: Callable[[], Call[Any] | float] = partial(next, flow)
        while True:
            try:
                step = advance()
            except StopIteration as end:
                result: Result = end.value
                return result
            try:
                sent = self.send(step) if isinstance(step, Call) else asyncio.sleep(step)
                advance = partial(flow.send, await sent)
            except ServiceError as error:
                advance = partial(flow.throw, error)

    async def _attempt(self, call: Call[Any]) -> Outcome:
        try:
            async with self._http.stream(**_request(call)) as response:
                if call.target is None or not response.is_success:
                    await response.aread()
                else:
                    with _written(call.target) as file:
                        async for part in response.aiter_bytes():
                            file.write(part)
                return response
        except httpx.RequestError as error:
            return error

    ready = _sent_async(endpoints.ready)
    predict = _sent_async(endpoints.predict)
    neighbors = _sent_async(endpoints.neighbors)
    search = _sent_async(endpoints.search)
    tsne = _sent_async(endpoints.tsne)
    place = _sent_async(endpoints.place)
    images = _sent_async(endpoints.images)
    random_image = _sent_async(endpoints.random_image)
    facets = _sent_async(endpoints.facets)
    ids = _sent_async(endpoints.ids)
    selections = _sent_async(endpoints.selections)
    selection = _sent_async(endpoints.selection)
    save_selection = _sent_async(endpoints.save_selection)
    delete_selection = _sent_async(endpoints.delete_selection)
    image = _sent_async(endpoints.image)
    thumbnail = _sent_async(endpoints.thumbnail)
    features = _sent_async(endpoints.features)
    export = _sent_async(endpoints.export)
    versions = _sent_async(endpoints.versions)
    diff = _sent_async(endpoints.diff)
    experiments = _sent_async(endpoints.experiments)
    experiment = _sent_async(endpoints.experiment)
    errors = _sent_async(endpoints.errors)
    heatmap = _sent_async(endpoints.heatmap)
    label_issues = _sent_async(endpoints.label_issues)
    queue = _sent_async(endpoints.queue)
    duplicates = _sent_async(endpoints.duplicates)
    label_loop = _sent_async(endpoints.label_loop)
    neighbor_stages = _sent_async(endpoints.neighbor_stages)
    robustness = _sent_async(endpoints.robustness)
    calibration = _sent_async(endpoints.calibration)
    add = _sent_async(endpoints.add)
    relabel = _sent_async(endpoints.relabel)
    edit = _sent_async(endpoints.edit)
    undo = _sent_async(endpoints.undo)
    distinct = _sent_async(endpoints.distinct)
    restore = _sent_async(endpoints.restore)
    changes = _sent_async(endpoints.changes)
    history = _sent_async(endpoints.history)
    job = _sent_async(endpoints.job)
    jobs = _sent_async(endpoints.jobs)
    cancel = _sent_async(endpoints.cancel)
    add_many = _run_async(flows.add_many)
    delete = _run_async(flows.delete)
    wait_for = _run_async(flows.wait_for)
