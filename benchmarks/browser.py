"""`python -m benchmarks.browser`: page load and frame times in a real browser."""

import json
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks import services
from benchmarks.chromium import BrowserMissing, chromium
from benchmarks.frames import SETTLED_MILLISECONDS, WATCH, Milliseconds, frames_of, together
from benchmarks.measurements import bench_home, save
from benchmarks.visits import MANY, BrowserMeasurement
from embeddings.release.reader import Release, current_release, open_release

_VIEWS = 7
_VIEWS_OF_MANY = 3
_ERRORS = 0.03
_WIDTH, _HEIGHT = 1440, 900
_MAP = ".map canvas"

# A canvas is on the screen two frames after drawing; the clock starts with the navigation.
_SHOWN = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
  () => done(performance.now() / 1000)
)))"""
_TRANSFERRED = "performance.getEntries().reduce((sum, each) => sum + (each.transferSize ?? 0), 0)"

_STEP_MILLISECONDS = 16


def main() -> None:
    """Measure the release of BELVEDERE_HOME and save the result."""
    home = bench_home()
    try:
        save(measure(home), home)
    except BrowserMissing as missing:
        print(f"The page was not measured. {missing}")  # noqa: T201


def measure(home: Path) -> BrowserMeasurement:
    """Start the service on a release and load its page. Raises `BrowserMissing`."""
    release = open_release(current_release(home / "releases"))
    answer = json.dumps({"release": release.manifest.fingerprint, "points": _points(release)})
    with services.ours(home).started() as service, chromium() as browser:
        visits = [_visit(browser, service.url) for _ in range(_VIEWS)]
        of_many = [_visit_of_many(browser, service.url, answer) for _ in range(_VIEWS_OF_MANY)]
    pointed, dragged, zoomed = map(together, zip(*(each for _, each in of_many), strict=True))
    return BrowserMeasurement(
        images=len(release.images),
        first_view_seconds=tuple(seconds for seconds, _ in visits),
        transferred_megabytes=median(transferred for _, transferred in visits) / 1e6,
        many_first_view_seconds=tuple(seconds for seconds, _ in of_many),
        pointed=pointed,
        dragged=dragged,
        zoomed=zoomed,
    )


def _visit(browser: Browser, url: str) -> tuple[float, int]:
    """Return the seconds until the map is drawn, and the bytes of all requests of the page."""
    page = _new_page(browser)
    seconds = _seconds_to_map(page, url)
    page.wait_for_load_state("networkidle")
    transferred: int = page.evaluate(_TRANSFERRED)
    page.context.close()
    return seconds, transferred


def _visit_of_many(browser: Browser, url: str, answer: str) -> tuple[float, list[Milliseconds]]:
    """Return the seconds until a map of many points is drawn, and its frames under input."""
    page = _new_page(browser)
    page.add_init_script(WATCH)
    page.route(
        "**/tsne?*", lambda route: route.fulfill(body=answer, content_type="application/json")
    )
    seconds = _seconds_to_map(page, url)
    page.wait_for_load_state("networkidle")
    frames = [frames_of(page, _point)]
    # The map can be panned only after zooming in.
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(SETTLED_MILLISECONDS)
    frames += [frames_of(page, act) for act in (_drag, _zoom)]
    page.context.close()
    return seconds, frames


def _seconds_to_map(page: Page, url: str) -> float:
    page.goto(url)
    page.locator(_MAP).wait_for()
    seconds: float = page.evaluate(_SHOWN)
    return seconds


def _new_page(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT})
    return context.new_page()


def _point(page: Page) -> None:
    for step in range(80):
        _move(page, 300 + 9 * step, 250 + 4 * step)


def _drag(page: Page) -> None:
    _move(page, 500, 400)
    page.mouse.down()
    for step in range(60):
        _move(page, 500 + 4 * step, 400 + 2 * step)
    page.mouse.up()


def _zoom(page: Page) -> None:
    for _ in range(40):
        page.mouse.wheel(0, -40)
        page.wait_for_timeout(_STEP_MILLISECONDS)


def _move(page: Page, x: int, y: int) -> None:
    page.mouse.move(x, y)
    page.wait_for_timeout(_STEP_MILLISECONDS)


def _points(release: Release) -> list[dict[str, object]]:
    """Return points in one cluster per class, some misclassified; ids of the release repeat."""
    rng = np.random.default_rng(0)
    classes = release.manifest.classes
    ids = release.images.ids
    chosen = rng.integers(len(classes), size=MANY)
    predicted = (chosen + (rng.random(MANY) < _ERRORS)) % len(classes)
    places = rng.normal(scale=6, size=(MANY, 2)) + np.column_stack([chosen % 3, chosen // 3]) * 24
    return [
        {
            "id": ids[number % len(ids)],
            "label": classes[chosen[number]],
            "predicted": classes[predicted[number]],
            "split": "train",
            "learned": True,
            "x": x,
            "y": y,
        }
        for number, (x, y) in enumerate(places.tolist())
    ]


if __name__ == "__main__":
    main()
