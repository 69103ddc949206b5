"""What became of a call: its result, or an exception whose message says what to do."""

from typing import TypeVar

import httpx
from pydantic import ValidationError

from embeddings.errors import BelvedereError
from service.client.endpoints import Call
from service.schemas import Problem

Result = TypeVar("Result")

Outcome = httpx.Response | httpx.RequestError
"""The answer to a call, or why none came."""


class ServiceError(BelvedereError):
    """The service did not answer as asked; the message says what to do."""

    def __init__(self, message: str, status: int | None = None, passing: bool = False) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status; None where no answer came."""
        self.passing = passing
        """Return whether the service asks for the same call again in a moment."""


def result_of(call: Call[Result], outcome: Outcome, service: httpx.URL) -> Result:
    """The result of a call to the service at this address. Raises `ServiceError`."""
    if not isinstance(outcome, httpx.Response):
        raise ServiceError(_why_silent(outcome, _shown(service))) from outcome
    if not outcome.is_success:
        passing = "Retry-After" in outcome.headers
        raise ServiceError(_sentence(outcome), outcome.status_code, passing)
    try:
        return call.read(outcome.content)
    except ValidationError as error:
        raise ServiceError(
            f"{_shown(outcome.url)} answers otherwise than this client expects; is this the right "
            "service, in the same version?",
            outcome.status_code,
        ) from error


def _shown(address: httpx.URL) -> str:
    """The address without name and password."""
    return str(address.copy_with(username=None, password=None))


def _why_silent(error: httpx.RequestError, service: str) -> str:
    slow = isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout)
    if slow:
        return (
            f"The service at {service} took too long to answer; ask for less, or give the client a "
            "longer `timeout`."
        )
    reason = str(error) or type(error).__name__
    return (
        f"The service at {service} does not answer ({reason}); start it with `belvedere serve`, "
        "or give the client its address."
    )


def _sentence(answer: httpx.Response) -> str:
    try:
        return Problem.model_validate_json(answer.content).detail
    except ValidationError:
        return f"{_shown(answer.url)} answered {answer.status_code}; is this the right service?"
