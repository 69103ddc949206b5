"""API keys of costly and of writing calls."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from embeddings.user import user_name
from service.api.dependencies import state_of
from service.api.errors import ServiceProblem
from service.keys import Role, grants
from service.problems import ProblemType
from service.schemas import API_KEY_HEADER

_Key = Annotated[
    str | None,
    Security(
        APIKeyHeader(
            name=API_KEY_HEADER,
            auto_error=False,
            description="Required if the service has keys: `BELVEDERE_API_KEY`, or those of the "
            "file `BELVEDERE_KEYS`.",
        )
    ),
]


async def require_api_key(request: Request, key: _Key) -> None:
    """Raise `ServiceProblem` (401) unless the request carries a key, if there is one for reading.

    A key of any role is accepted.
    """
    keys = state_of(request).keys
    if any(each.role == "read" for each in keys.keys) and keys.find(key or "") is None:
        raise _key_required()


REQUIRE_API_KEY = [Depends(require_api_key)]
"""Dependencies of an expensive route."""


def permitted(role: Role) -> Callable[[Request, _Key], Awaitable[str]]:
    """Return a dependency of a writing route: the name of a caller with this role.

    It raises `ServiceProblem` (401, 403). Without any key, each program of this machine may write,
    under the name of the user.
    """

    async def name_of_caller(request: Request, key: _Key) -> str:
        return _name_of_caller(request, key, role)

    return name_of_caller


def _name_of_caller(request: Request, key: str | None, role: Role) -> str:
    """Return the name of a caller with this role. Raises `ServiceProblem` (401, 403)."""
    state = state_of(request)
    if not state.settings.writable:
        raise ServiceProblem(
            ProblemType.READ_ONLY,
            "This service does not accept changes; start it with `BELVEDERE_WRITABLE=1`, or "
            "send the change to the service that writes the feature store.",
        )
    if not state.keys.keys:
        if state.settings.is_local and _is_of_this_machine(request, state.settings.origins):
            return user_name()
        raise _key_required()
    found = state.keys.find(key or "")
    if found is None:
        raise _key_required()
    if not grants(found.role, role):
        raise ServiceProblem(
            ProblemType.ROLE_REQUIRED,
            f"This call requires a key of role `{role}`, and that of {found.name!r} has the "
            f"role `{found.role}`; send another key.",
        )
    return found.name


def _key_required() -> ServiceProblem:
    return ServiceProblem(
        ProblemType.KEY_REQUIRED,
        f"This call requires an API key; send it in the header `{API_KEY_HEADER}`.",
        {"WWW-Authenticate": "ApiKey"},
    )


def _is_of_this_machine(request: Request, origins: Collection[str]) -> bool:
    """Return True unless a page of another origin, or another name of this host, is involved.

    A browser of this machine would send the forms of any page to the service.
    """
    headers = request.headers
    origin = headers.get("origin")
    if origin is not None and origin in origins:
        return True
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return False
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    return _is_loopback(urlsplit(f"//{headers.get('host', '')}").hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Labeller = Annotated[str, Depends(permitted("label"))]
"""Name of a caller that may correct labels."""


async def _permit(request: Request, key: _Key) -> Callable[[Role], str]:
    """Return a function that returns the name of the caller, or raises as `permitted` does."""
    return partial(_name_of_caller, request, key)


Permit = Annotated[Callable[[Role], str], Depends(_permit)]
"""Check of a role that the body of the request decides about."""

Author = Annotated[str, Depends(permitted("write"))]
"""Name of a caller that may add and delete images."""

Administrator = Annotated[str, Depends(permitted("admin"))]
"""Name of a caller that may publish releases."""
