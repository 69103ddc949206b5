"""When a call is sent again: after an outcome that may be another one in a moment."""

import random

import httpx

from service.client.errors import Outcome

_BUSY = frozenset({429, 503})
_LOST = (httpx.NetworkError, httpx.RemoteProtocolError)
_FIRST_PAUSE = 0.2


class Attempts:
    """The attempts at one call, which only reads, so that sending it twice does no harm.

    Turned away (429, 503) or cut off, it is sent again after a pause; pauses double. All other
    outcomes are final. So is silence, since waiting as long again seldom helps.
    """

    def __init__(self, retries: int, patience: float) -> None:
        self._retries = retries
        self._patience = patience
        self._pause = _FIRST_PAUSE

    def pause_after(self, outcome: Outcome) -> float | None:
        """Seconds until the next attempt; None where this outcome is the last."""
        if self._retries <= 0 or not _may_pass(outcome):
            return None
        # Callers that were turned away together must not come back together.
        pause = _asked_for(outcome) + random.uniform(0.5, 1.0) * self._pause
        if pause > self._patience:
            return None
        self._retries -= 1
        self._patience -= pause
        self._pause *= 2
        return pause


def _may_pass(outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in _BUSY
    return isinstance(outcome, _LOST)


def _asked_for(outcome: Outcome) -> float:
    """Seconds in `Retry-After`; 0 where there are none."""
    if not isinstance(outcome, httpx.Response):
        return 0.0
    given = outcome.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdecimal() else 0.0
