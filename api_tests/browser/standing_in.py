"""Answers in the service's place, and time that passes only when a test lets it."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route

_STEP_MILLISECONDS = 100
_STEPS = 1000


def stand_in(page: Page, pattern: str, **given: Any) -> list[str]:
    """Answer calls with what is given; returns the addresses asked for, as they come."""
    asked: list[str] = []

    def fulfil(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(**given)

    page.route(pattern, fulfil)
    return asked


def pass_time(page: Page, until: Callable[[], bool]) -> None:
    """Let time pass, as long as it takes but not for ever; the page's clock must be installed."""
    for _ in range(_STEPS):
        page.clock.run_for(_STEP_MILLISECONDS)
        if until():
            break
