"""A real browser, and pages in it that must ask nobody else and break no rule."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Response,
    expect,
)

from benchmarks.chromium import BrowserMissing, chromium

PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
WIDE, NARROW = (1440, 900), (390, 844)

# What calls without an answer leave in the console; each test looks for the words of the page.
EXPECTED = "Failed to load resource"
# Chromium drops what it loads whenever a network comes or goes on the machine, as Docker's do.
CHANGED = "ERR_NETWORK_CHANGED"
ATTEMPTS = 3

# Some errors of scripts are known to the page alone, such as sizes that never come to rest.
REPORT = "addEventListener('error', ({ message }) => console.error(message))"

# No browser asks for a path with two dots in it, as of the photograph `lake/..`.
UNREACHABLE = ("/images/", "/images/thumbnail")

Opened = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's own browser; tests are skipped where there is none."""
    expect.set_options(timeout=20_000)
    try:
        with chromium() as browser:
            yield browser
    except BrowserMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def opened(browser: Browser, api: httpx.Client) -> Iterator[Opened]:
    """Opens the page of a service, `api` unless another is named, at an address like `#/map`.

    Scripts must not fail, unless the test makes them (`faulty`); nor may the page's files and
    pictures be turned away, but for those whose address ends as `refused` says.
    """
    strange: list[list[str]] = []
    contexts = []

    def open_page(
        address: str = "",
        service: httpx.Client = api,
        size: tuple[int, int] = WIDE,
        scheme: Literal["light", "dark"] = "light",
        faulty: bool = False,
        touch: bool = False,
        refused: tuple[str, ...] = (),
    ) -> Page:
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
            has_touch=touch,
            base_url=str(service.base_url),
        )
        contexts.append(context)
        page = context.new_page()
        noted: list[str] = []
        page.add_init_script(REPORT)
        if not faulty:
            _watch(page, urlsplit(str(service.base_url)).netloc, refused, noted)
            strange.append(noted)
        _arrive(page, f"/{address}", noted)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [noted for noted in strange if noted] == []


def _watch(page: Page, host: str, refused: tuple[str, ...], strange: list[str]) -> None:
    """Note requests to others, files turned away, errors of scripts, rules that are broken."""

    def on_request(request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in ("blob", "data") and asked.netloc != host:
            strange.append(f"asked {request.url}")

    def on_response(response: Response) -> None:
        path = urlsplit(response.url).path
        is_file = path.startswith(("/web/", "/images/"))
        if is_file and response.status >= 400 and not path.endswith(refused):
            strange.append(f"{response.status} for {path}")

    def on_console(said: ConsoleMessage) -> None:
        if said.type == "error" and not said.text.startswith(EXPECTED):
            strange.append(said.text)

    page.on("request", on_request)
    page.on("response", on_response)
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.on("console", on_console)


def _arrive(page: Page, address: str, noted: list[str]) -> None:
    """Load the page whole; what was noted of an attempt that the network broke off is forgotten."""
    failures: list[str] = []

    def on_failure(request: Request) -> None:
        failures.append(request.failure or "")

    page.on("requestfailed", on_failure)
    for attempt in range(ATTEMPTS):
        if attempt > 0:
            # Else going to the same address again would load nothing.
            page.goto("about:blank")
            failures.clear()
            noted.clear()
        try:
            page.goto(address)
        except Error as error:
            if CHANGED not in error.message:
                raise
            failures.append(error.message)
        if not any(CHANGED in each for each in failures):
            break
    page.remove_listener("requestfailed", on_failure)


@pytest.fixture(scope="session")
def points(api: httpx.Client) -> list[dict[str, Any]]:
    """All points of the map."""
    found: list[dict[str, Any]] = api.get("/tsne", params={"n": 100_000}).json()["points"]
    return found


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

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture
def breaches(rules: str) -> Callable[[Page], list[str]]:
    """What is seriously wrong with a page for people who cannot see it or use no mouse."""

    def find(page: Page) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(rules)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']}: {json.dumps([node['html'] for node in each['nodes']])[:400]}"
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    return find
