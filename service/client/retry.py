"""Retries of calls that were rejected under load or cut off."""

import random

import httpx

from service.client.errors import Outcome

_RETRIED_STATUSES = frozenset({429, 503})
_RETRIED_ERRORS = (httpx.NetworkError, httpx.RemoteProtocolError)
_FIRST_PAUSE_SECONDS = 0.2


class RetryPolicy:
    """Exponential backoff with jitter for one call; all calls are idempotent.

    A call that is rejected (429, 503) or cut off is repeated after a pause. Pauses double, and
    include `Retry-After`. All other outcomes are final, time-outs too: a second wait of the same
    length seldom helps.
    """

    def __init__(self, retries: int, patience: float) -> None:
        self._retries = retries
        self._seconds_left = patience
        self._pause = _FIRST_PAUSE_SECONDS

    def pause_after(self, outcome: Outcome) -> float | None:
        """Return the seconds until the next attempt; None if this outcome is final."""
        if self._retries <= 0 or not _is_transient(outcome):
            return None
        # Without jitter, callers that were rejected together would return together.
        pause = _retry_after(outcome) + random.uniform(0.5, 1.0) * self._pause
        if pause > self._seconds_left:
            return None
        self._retries -= 1
        self._seconds_left -= pause
        self._pause *= 2
        return pause


def _is_transient(outcome: Outcome) -> bool:
    """Return true if the next attempt may have another outcome."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in _RETRIED_STATUSES
    return isinstance(outcome, _RETRIED_ERRORS)


def _retry_after(outcome: Outcome) -> float:
    """Return the seconds in `Retry-After`; 0 if there are none."""
    if not isinstance(outcome, httpx.Response):
        return 0.0
    given = outcome.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdecimal() else 0.0
