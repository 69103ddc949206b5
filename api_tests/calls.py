"""Requests as functions of a client, for tests that send them several times."""

from collections.abc import Callable
from typing import Any

import httpx

Call = Callable[[httpx.Client], httpx.Response]


def getting(path: str, **params: Any) -> Call:
    """Return a GET request with these query parameters."""
    return lambda client: client.get(path, params=params or None)


def posting(path: str, **body: Any) -> Call:
    """Return a POST request with these arguments of the client's method."""
    return lambda client: client.post(path, **body)
