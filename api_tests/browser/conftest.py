"""A real browser, and pages in it that must make no third-party requests and log no errors."""

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

from api_tests.conftest import Serving
from benchmarks.chromium import BrowserMissing, chromium
from service.settings import ServiceSettings

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WIDE, NARROW = (1440, 900), (390, 844)

# A busy machine takes a while; only failing tests wait that long.
TIMEOUT_MILLISECONDS = 60_000

UNUSED = "**/unused"

# The browser logs failed requests; tests check the messages of the page instead.
EXPECTED_LOG = "Failed to load resource"
# Chromium aborts requests when a network interface of the machine changes, such as Docker's.
NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
ATTEMPTS = 3

# Playwright does not report some errors, such as loops of resize observers.
LOG_ERRORS = "addEventListener('error', ({ message }) => console.error(message))"

# Browsers normalise two dots in a path, such as of the image `lake/..`.
UNREACHABLE = ("/images/", "/images/thumbnail")

OpenPage = Callable[..., Page]


@pytest.fixture
def writable(copied_home: Path, serving: Serving) -> Iterator[httpx.Client]:
    """Return the client of a service that accepts changes of its own copy of the collection."""
    with serving(ServiceSettings(home=copied_home, writable=True)) as client:
        yield client


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start the installed browser; skip the tests if there is none."""
    expect.set_options(timeout=TIMEOUT_MILLISECONDS)
    try:
        with chromium() as browser:
            yield browser
    except BrowserMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def open_page(browser: Browser, api: httpx.Client) -> Iterator[OpenPage]:
    """Open the page of a service, by default `api`, at a hash like `#/map`.

    Scripts must not fail, unless the test expects it (`faulty`). Files and images must load, except
    for paths that end as `refused` says.
    """
    all_problems: list[list[str]] = []
    contexts = []

    def open_(
        url: str = "",
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
        # Chromium lets requests pass for a moment after the first route is registered.
        context.route(UNUSED, lambda route: route.abort())
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MILLISECONDS)
        problems: list[str] = []
        page.add_init_script(LOG_ERRORS)
        if not faulty:
            _record_problems(page, urlsplit(str(service.base_url)).netloc, refused, problems)
            all_problems.append(problems)
        _load(page, f"/{url}", problems)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [problems for problems in all_problems if problems] == []


def _record_problems(page: Page, host: str, refused: tuple[str, ...], problems: list[str]) -> None:
    """Record third-party requests, files that fail to load, script errors, policy violations."""

    def on_request(request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("blob", "data") and url.netloc != host:
            problems.append(f"requested {request.url}")

    def on_response(response: Response) -> None:
        path = urlsplit(response.url).path
        is_file = path.startswith(("/web/", "/images/"))
        if is_file and response.status >= 400 and not path.endswith(refused):
            problems.append(f"{response.status} for {path}")

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(EXPECTED_LOG):
            problems.append(message.text)

    page.on("request", on_request)
    page.on("response", on_response)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", on_console)


def _load(page: Page, url: str, problems: list[str]) -> None:
    """Load a page; retry and forget its problems if the network changed meanwhile."""
    failures: list[str] = []

    def on_failure(request: Request) -> None:
        failures.append(request.failure or "")

    page.on("requestfailed", on_failure)
    for attempt in range(ATTEMPTS):
        if attempt > 0:
            # Navigation to the current URL would only change the hash.
            page.goto("about:blank")
            failures.clear()
            problems.clear()
        try:
            page.goto(url)
        except Error as error:
            if NETWORK_CHANGED not in error.message:
                raise
            failures.append(error.message)
        if not any(NETWORK_CHANGED in each for each in failures):
            break
    page.remove_listener("requestfailed", on_failure)


@pytest.fixture(scope="session")
def points(api: httpx.Client) -> list[dict[str, Any]]:
    """Return all points of the map."""
    found: list[dict[str, Any]] = api.get("/tsne", params={"n": 100_000}).json()["points"]
    return found


@pytest.fixture
def screenshot() -> Callable[[Page, str], None]:
    """Save a screenshot in `build/screenshots`."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def save(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return save


@pytest.fixture(scope="session")
def axe_script() -> str:
    """Return the script of axe-core, which checks accessibility rules."""
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture
def axe_violations(axe_script: str) -> Callable[[Page], list[str]]:
    """Return the serious accessibility violations of a page."""

    def find(page: Page) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe_script)
        results = page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{each['id']}: {json.dumps([node['html'] for node in each['nodes']])[:400]}"
            for each in results["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    return find
