"""A real browser, and pages in it that must ask nobody else and break no rule."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
WIDE, NARROW = (1440, 900), (390, 844)

# What an error answer of the service leaves in the console; each test looks for the page's words.
EXPECTED = "Failed to load resource"

Opened = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; Playwright's own is never downloaded."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no browser here; install one, as with `apt-get install chromium`")
    expect.set_options(timeout=10_000)
    with sync_playwright() as playwright:
        # In a container Chromium runs as root, which its sandbox refuses.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, api: httpx.Client) -> Iterator[Opened]:
    """Opens the page of a service, `api` unless another is named, at an address like `#/map`."""
    strange: list[str] = []
    contexts = []

    def open_page(
        address: str = "",
        service: httpx.Client = api,
        size: tuple[int, int] = WIDE,
        scheme: str = "light",
    ) -> Page:
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            base_url=str(service.base_url),
        )
        contexts.append(context)
        page = context.new_page()
        host = urlsplit(str(service.base_url)).netloc

        def watch(request: Request) -> None:
            asked = urlsplit(request.url)
            if asked.scheme not in ("blob", "data") and asked.netloc != host:
                strange.append(f"asked {request.url}")

        page.on("request", watch)
        page.on("pageerror", lambda error: strange.append(str(error)))
        page.on(
            "console",
            lambda said: (
                strange.append(said.text)
                if said.type == "error" and not said.text.startswith(EXPECTED)
                else None
            ),
        )
        page.goto(f"/{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert strange == []


@pytest.fixture
def pictured() -> Callable[[Page, str], None]:
    """Keeps a screenshot, to be looked at."""
    PICTURES.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=PICTURES / f"{name}.png")

    return take


@pytest.fixture(scope="session")
def rules() -> str:
    """axe-core's script, which knows the rules of accessibility."""
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


@pytest.fixture
def breaches(rules: str) -> Callable[[Page], list[str]]:
    """What is seriously wrong with a page for people who cannot see it or use no mouse."""

    def find(page: Page) -> list[str]:
        page.evaluate(rules)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']}: {json.dumps([node['html'] for node in each['nodes']])[:400]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    return find
