"""API key of the expensive calls."""

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
            description="Required if the service has a `BELVEDERE_API_KEY`.",
        )
    ),
]


async def require_api_key(request: Request, key: _Key) -> None:
    """Raise `ServiceProblem` (401) unless the request carries the key of the service, if any."""
    expected = state_of(request).settings.api_key
    if expected is None:
        return
    # Constant time: the duration must not reveal how many characters match.
    if not compare_digest((key or "").encode(), expected.get_secret_value().encode()):
        raise ServiceProblem(
            ProblemType.KEY_REQUIRED,
            f"This call requires the API key; send it in the header `{API_KEY_HEADER}`.",
            {"WWW-Authenticate": "ApiKey"},
        )


REQUIRE_API_KEY = [Depends(require_api_key)]
"""Dependencies of an expensive route."""
