"""The browser that the page is measured and tried in: the system's own, never a download."""

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
    with sync_playwright() as playwright:
        # In a container it runs as root, which its sandbox refuses.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
