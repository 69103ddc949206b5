"""Chromium of the system, for benchmarks and tests of the page.

The module belongs to the benchmarks because tests may import benchmarks, but not the reverse.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


class BrowserMissing(RuntimeError):
    """No browser is installed; the message gives the remedy."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless browser until the block ends. Raises `BrowserMissing`."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise BrowserMissing(
            "No browser is installed; install one, for example `apt-get install chromium`."
        )
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=found) as browser,
    ):
        yield browser
