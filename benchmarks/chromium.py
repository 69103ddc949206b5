"""The browser that the page is measured and tried in: the system's own, never a download.

It stands here since tests may use what belongs to the benchmarks, but not the other way round.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


class BrowserMissing(RuntimeError):
    """There is no browser here; the message says what to do."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, until the end of the context. Raises `BrowserMissing`."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise BrowserMissing("There is no browser; install one: `apt-get install chromium`.")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=found) as browser,
    ):
        yield browser
