"""Typed clients of the service: its answers as objects, its errors as exceptions."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from inspect import Parameter, Signature, signature
from re import fullmatch
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from service.client import endpoints
from service.client.endpoints import Call
from service.client.errors import Outcome, ServiceError, result_of
from service.client.retry import Attempts
from service.schemas import API_KEY_HEADER

__all__ = ["AsyncClient", "Client", "ServiceError"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Method = TypeVar("Method", bound=Callable[..., object])

_ADDRESS = "http://127.0.0.1:8000"
_KEY = "[!-~]([ -~]*[!-~])?"
"""Values that a header can carry: printable ASCII, without spaces at either end."""

_TIMEOUT_SECONDS = 60.0
"""Fitting a map takes seconds."""
_CONNECT_SECONDS = 5.0
_RETRIES = 4
_PATIENCE_SECONDS = 20.0


def _sent(
    call: Callable[Arguments, Call[Result]],
) -> Callable[Concatenate["Client", Arguments], Result]:
    @wraps(call)
    def method(client: "Client", /, *args: Arguments.args, **named: Arguments.kwargs) -> Result:
        return client.send(call(*args, **named))

    return _shown_as(call, method)


def _sent_async(
    call: Callable[Arguments, Call[Result]],
) -> Callable[Concatenate["AsyncClient", Arguments], Coroutine[Any, Any, Result]]:
    @wraps(call)
    async def method(
        client: "AsyncClient", /, *args: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        return await client.send(call(*args, **named))

    return _shown_as(call, method)


def _shown_as(call: Callable[..., object], method: Method) -> Method:
    """The method, with the call's parameters beside its own first one where help is asked for."""
    taken = signature(call).parameters.values()
    first = Parameter("self", Parameter.POSITIONAL_ONLY)
    method.__signature__ = Signature([first, *taken])  # type: ignore[attr-defined]
    return method


def _address(base_url: str) -> httpx.URL:
    # Raised outside the handler: the library's error quotes an address that may hold a password.
    with suppress(httpx.InvalidURL):
        return httpx.URL(base_url)
    raise ServiceError(f"The address of the service is not a URL; give one such as {_ADDRESS}.")


def _headers(api_key: str | None) -> dict[str, str]:
    if api_key is None:
        return {}
    if not fullmatch(_KEY, api_key):
        raise ServiceError(
            "The API key cannot be sent in a header; it needs printable ASCII characters, without "
            "spaces or line ends around them. The key is not shown here."
        )
    return {API_KEY_HEADER: api_key}


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


class Client:
    """Calls a service at `base_url`; every method raises `ServiceError` where it cannot answer.

    The address may have a path, as behind a reverse proxy (`https://host/gallery`). A key that no
    header can carry raises `ServiceError` at once; neither it nor a password in the address is
    shown in a message.

    A photograph is given either as `id` (stored) or as `image` (the bytes of a file). An answer may
    take `timeout` seconds. A call that is turned away (429, 503) or cut off is sent again, at most
    `retries` times and with pauses of at most `patience` seconds together.
    """

    def __init__(
        self,
        base_url: str = _ADDRESS,
        *,
        api_key: str | None = None,
        timeout: float = _TIMEOUT_SECONDS,
        retries: int = _RETRIES,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        # What a proxy is set for lies elsewhere.
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
        """The result of a call. Raises `ServiceError`."""
        attempts = Attempts(self._retries, self._patience)
        while True:
            outcome = self._attempt(call)
            pause = attempts.pause_after(outcome)
            if pause is None:
                return result_of(call, outcome, self._http.base_url)
            time.sleep(pause)

    def _attempt(self, call: Call[Any]) -> Outcome:
        try:
            return self._http.request(
                call.method, call.path, params=call.parameters, content=call.body
            )
        except httpx.RequestError as error:
            return error

    ready = _sent(endpoints.ready)
    predict = _sent(endpoints.predict)
    neighbors = _sent(endpoints.neighbors)
    tsne = _sent(endpoints.tsne)
    place = _sent(endpoints.place)
    images = _sent(endpoints.images)
    random_image = _sent(endpoints.random_image)
    image = _sent(endpoints.image)
    thumbnail = _sent(endpoints.thumbnail)
    features = _sent(endpoints.features)
    experiments = _sent(endpoints.experiments)
    experiment = _sent(endpoints.experiment)
    errors = _sent(endpoints.errors)
    heatmap = _sent(endpoints.heatmap)
    label_issues = _sent(endpoints.label_issues)
    calibration = _sent(endpoints.calibration)


class AsyncClient:
    """The same as `Client`, for `async with` and `await`; many calls may run at a time."""

    def __init__(
        self,
        base_url: str = _ADDRESS,
        *,
        api_key: str | None = None,
        timeout: float = _TIMEOUT_SECONDS,
        retries: int = _RETRIES,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        # What a proxy is set for lies elsewhere.
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
        """The result of a call. Raises `ServiceError`."""
        attempts = Attempts(self._retries, self._patience)
        while True:
            outcome = await self._attempt(call)
            pause = attempts.pause_after(outcome)
            if pause is None:
                return result_of(call, outcome, self._http.base_url)
            await asyncio.sleep(pause)

    async def _attempt(self, call: Call[Any]) -> Outcome:
        try:
            return await self._http.request(
                call.method, call.path, params=call.parameters, content=call.body
            )
        except httpx.RequestError as error:
            return error

    ready = _sent_async(endpoints.ready)
    predict = _sent_async(endpoints.predict)
    neighbors = _sent_async(endpoints.neighbors)
    tsne = _sent_async(endpoints.tsne)
    place = _sent_async(endpoints.place)
    images = _sent_async(endpoints.images)
    random_image = _sent_async(endpoints.random_image)
    image = _sent_async(endpoints.image)
    thumbnail = _sent_async(endpoints.thumbnail)
    features = _sent_async(endpoints.features)
    experiments = _sent_async(endpoints.experiments)
    experiment = _sent_async(endpoints.experiment)
    errors = _sent_async(endpoints.errors)
    heatmap = _sent_async(endpoints.heatmap)
    label_issues = _sent_async(endpoints.label_issues)
    calibration = _sent_async(endpoints.calibration)
