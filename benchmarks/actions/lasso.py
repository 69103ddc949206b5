"""Lassos around points of the map in a browser."""

from math import cos, pi, sin
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from benchmarks.actions.results import LassoFigures
from benchmarks.copies import started
from benchmarks.frames import SETTLED_MILLISECONDS, WATCH, frames_of, together
from benchmarks.writes import latency

SELECTED = 2000
"""Points inside a lasso."""

_VERTICES = 72
_STEP_MILLISECONDS = 16
_WIDTH, _HEIGHT = 1440, 900

# The selected points are painted two frames after the change; the clock starts with the pointer.
_WATCH_SELECTIONS = """
window.selections = [];
let released = null;
addEventListener("pointerup", event => { released = event.timeStamp; }, true);
addEventListener("selection", () => {
  if (released === null) return;
  const start = released;
  released = null;
  requestAnimationFrame(() => requestAnimationFrame(
    () => window.selections.push(performance.now() - start)
  ));
});
"""

# Circle in pixels of the window around a number of points in the middle of the map.
_CIRCLE = """async count => {
  const { loadPoints } = await import("/web/js/map/points.js");
  const { projection } = await import("/web/js/map/projection.js");
  const host = document.querySelector(".canvas-host");
  const { left, top, width, height } = host.getBoundingClientRect();
  const points = await loadPoints();
  const { toPixels } = projection(points, host.clientWidth, host.clientHeight);
  const [x, y] = [host.clientWidth / 2, host.clientHeight / 2];
  const distances = points.map(each => Math.hypot(toPixels(each)[0] - x, toPixels(each)[1] - y));
  return [left + x, top + y, distances.sort((one, other) => one - other)[count]];
}"""
_CLEAR = """async () => {
  const { replaceSelection } = await import("/web/js/core/selection.js");
  replaceSelection([]);
}"""
_SIZE = """async () => {
  const { selectionSize } = await import("/web/js/core/selection.js");
  return selectionSize();
}"""


def measure_lasso(browser: Browser, home: Path, points: int, lassos: int) -> LassoFigures:
    """Draw lassos on the map of a home, which has a number of points."""
    with started(home) as service:
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.add_init_script(WATCH + _WATCH_SELECTIONS)
        page.goto(service.url)
        page.get_by_role("button", name="Lasso").click()
        page.wait_for_load_state("networkidle")
        circle = page.evaluate(_CIRCLE, SELECTED)
        frames, sizes = [], []
        for _ in range(lassos):
            frames.append(frames_of(page, lambda page: _draw(page, *circle)))
            sizes.append(page.evaluate(_SIZE))
            page.evaluate(_CLEAR)
            page.wait_for_timeout(SETTLED_MILLISECONDS)
        milliseconds: list[float] = page.evaluate("window.selections")
        page.close()
    return LassoFigures(
        points=points,
        selected=round(median(sizes)),
        lassos=lassos,
        drawn=latency([each / 1000 for each in milliseconds]),
        frames=together(frames),
    )


def _draw(page: Page, x: float, y: float, radius: float) -> None:
    page.mouse.move(x + radius, y)
    page.mouse.down()
    for step in range(1, _VERTICES):
        angle = 2 * pi * step / _VERTICES
        page.mouse.move(x + radius * cos(angle), y + radius * sin(angle))
        page.wait_for_timeout(_STEP_MILLISECONDS)
    page.mouse.up()
