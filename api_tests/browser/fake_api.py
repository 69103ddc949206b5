"""Fake responses of the API, and control of the page's clock."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route

_STEP_MILLISECONDS = 100
_STEPS = 1000


def fake_response(page: Page, pattern: str, **response: Any) -> list[str]:
    """Answer requests to a URL pattern; return the list to which their URLs are appended."""
    urls: list[str] = []

    def fulfil(route: Route) -> None:
        urls.append(route.request.url)
        route.fulfill(**response)

    page.route(pattern, fulfil)
    return urls


def advance_clock(page: Page, until: Callable[[], bool]) -> None:
    """Advance the page's installed clock until a condition holds, at most 1,000 steps."""
    for _ in range(_STEPS):
        page.clock.run_for(_STEP_MILLISECONDS)
        if until():
            break
