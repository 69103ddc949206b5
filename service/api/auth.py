"""The optional API key of the calls that cost."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from service.api.dependencies import state_of
from service.api.errors import ServiceProblem
from service.problems import ProblemType
from service.schemas import API_KEY_HEADER

_Key = Annotated[
    str | None,
    Security(
        APIKeyHeader(
            name=API_KEY_HEADER,
            auto_error=False,
            description="Asked for where the service was started with `BELVEDERE_API_KEY`.",
        )
    ),
]


async def guard(request: Request, key: _Key) -> None:
    """Let who knows the key pass. Raises `ServiceProblem` (401)."""
    expected = state_of(request).settings.api_key
    if expected is None:
        return
    # Comparing must take as long for a key that is nearly right as for any other.
    if not compare_digest((key or "").encode(), expected.get_secret_value().encode()):
        raise ServiceProblem(
            ProblemType.KEY_REQUIRED,
            f"This call needs the service's key; send it in the header `{API_KEY_HEADER}`.",
            {"WWW-Authenticate": "ApiKey"},
        )


GUARDED = [Depends(guard)]
"""Dependencies of a route that costs."""
