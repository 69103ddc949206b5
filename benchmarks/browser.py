"""`python -m benchmarks.browser`: the page in a real browser: its first view, and many points."""

from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks import services
from benchmarks.chromium import BrowserMissing, chromium
from benchmarks.measurements import Measurement, home_of_settings, keep
from embeddings.release import Release, current_release, open_release

MANY = 20_000

_VIEWS = 7
_WIDTH, _HEIGHT = 1440, 900
_MAP = ".map canvas"

# Two frames later what was drawn is on the screen; the clock starts with the navigation.
_SHOWN = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
  () => done(performance.now() / 1000)
)))"""
_TRANSFERRED = "performance.getEntries().reduce((sum, each) => sum + (each.transferSize ?? 0), 0)"
_WATCH_FRAMES = """() => {
  window.frames_ = [];
  let last = performance.now();
  const next = now => {
    window.frames_.push(now - last);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""


class BrowserMeasurement(Measurement):
    """What a visitor waits for, on a browser that knows nothing of the page yet."""

    photographs: int
    first_view_seconds: tuple[float, ...]
    """From the navigation to the drawn map, for each visit."""
    transferred_megabytes: float
    """All that the first view loads, as it is sent, thumbnails included; in 10^6 bytes."""
    frame_milliseconds: float
    """Between two frames while a map of 20,000 points is moved and zoomed: 95th percentile."""


def main() -> None:
    """Measure the release of BELVEDERE_HOME and keep the result."""
    home = home_of_settings()
    try:
        keep(measure(home), home)
    except BrowserMissing as missing:
        print(f"The page was not measured. {missing}")  # noqa: T201


def measure(home: Path) -> BrowserMeasurement:
    """Start the service on a release and visit its page. Raises `BrowserMissing`."""
    release = open_release(current_release(home / "releases"))
    with services.ours(home).started() as service, chromium() as browser:
        visits = [_visit(browser, service.url) for _ in range(_VIEWS)]
        frames = _frames(browser, service.url, release)
    return BrowserMeasurement(
        photographs=len(release.photographs),
        first_view_seconds=tuple(seconds for seconds, _ in visits),
        transferred_megabytes=median(transferred for _, transferred in visits) / 1e6,
        frame_milliseconds=frames,
    )


def _visit(browser: Browser, url: str) -> tuple[float, int]:
    """Seconds until the map is drawn, and bytes until all is there."""
    page = _new_page(browser)
    page.goto(url)
    page.locator(_MAP).wait_for()
    seconds: float = page.evaluate(_SHOWN)
    page.wait_for_load_state("networkidle")
    transferred: int = page.evaluate(_TRANSFERRED)
    page.context.close()
    return seconds, transferred


def _frames(browser: Browser, url: str, release: Release) -> float:
    page = _new_page(browser)
    answer = {"release": release.manifest.fingerprint, "points": _points(release)}
    page.route("**/tsne?*", lambda route: route.fulfill(json=answer))
    page.goto(url)
    page.locator(_MAP).wait_for()
    page.wait_for_load_state("networkidle")
    page.mouse.move(500, 400)
    page.evaluate(_WATCH_FRAMES)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(500 + 4 * step, 400 + 2 * step)
        page.wait_for_timeout(16)
    page.mouse.up()
    for _ in range(40):
        page.mouse.wheel(0, -40)
        page.wait_for_timeout(16)
    frames: list[float] = page.evaluate("window.frames_")
    page.context.close()
    return float(np.percentile(frames, 95))


def _new_page(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT})
    return context.new_page()


def _points(release: Release) -> list[dict[str, object]]:
    """Points in one cloud per class; the ids are those of the release, again and again."""
    rng = np.random.default_rng(0)
    classes = release.manifest.classes
    photographs = release.photographs
    chosen = rng.integers(len(classes), size=MANY)
    places = rng.normal(scale=6, size=(MANY, 2)) + np.column_stack([chosen % 3, chosen // 3]) * 24
    return [
        {
            "id": photographs[number % len(photographs)].id,
            "label": classes[chosen[number]],
            "predicted": classes[chosen[number]],
            "split": "train",
            "x": x,
            "y": y,
        }
        for number, (x, y) in enumerate(places.tolist())
    ]


if __name__ == "__main__":
    main()
